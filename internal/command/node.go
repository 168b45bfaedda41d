package command

func node() []Spec {
	return nil
}
