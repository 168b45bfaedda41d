package command

// families lists the rows of all commands, a file per family.
func families() [][]Spec {
	return [][]Spec{texts(), hashes(), lists(), sets(), zsets(), keys(), transactions(), sessions(), groups(),
		votes(), locks(), connection(), discovery(), node(), watchfulness(), acl()}
}
