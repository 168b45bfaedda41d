package command

func texts() []Spec {
	return nil
}
