// Package differential says the same random commands to Redis and to a node, over RESP2 and RESP3, and
// compares the replies byte for byte. What may differ is listed with its reason in internal/command, and is
// compared in another way here.
//
// It is not for what Redis does not have, nor for faults: nothing is broken meanwhile. Nothing may import it.
package differential
