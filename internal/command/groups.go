package command

func groups() []Spec {
	return nil
}
