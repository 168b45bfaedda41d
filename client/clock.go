package client

import (
	"github.com/caucus-project/caucus/internal/clocks"
	"github.com/caucus-project/caucus/internal/lease"
)

// machineClocks reads the three clocks that the rule of belief compares (SAFETY A2).
func machineClocks() lease.Reading { return lease.Reading(clocks.Read()) }
