package command

func keys() []Spec {
	return nil
}
