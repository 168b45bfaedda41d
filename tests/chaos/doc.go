// Package chaos breaks an ensemble of real processes in every way that a test can, for as long as one
// likes, while clients work at it, and then asks whether what they were told was true.
//
// A field is some nodes, each in a network namespace of its own, on a switch in another, and clients in
// two more (place_test.go, field_test.go). A fault does harm and undoes it (fault_test.go); a schedule,
// drawn from a seed, lets several overlap (schedule_test.go). A workload is clients that do something
// whose answers can be judged (workload_test.go). The runner (chaos_test.go) lets the workloads work
// through storms of faults and calms, mends everything, waits until the nodes are at rest and agree, and
// has every workload judge what it saw. Which faults hit what at which moment is chance; the seed fixes
// the schedule, not what the machine makes of it.
//
// Each node has clocks of its own, which it reads as package internal/clocks says; so have the processes of
// the strangers among the members, where this program is built with the tag "chaos", as make chaos does.
//
// Every fault may coincide with every other, all nodes may be dead or alone at once, and nothing that
// was acknowledged may be lost. One rule limits what is done (risk in fault_test.go): the disks of at
// most a minority are wiped, damaged or on their way in or out at a time, because no ensemble keeps
// what a majority of its disks has lost.
//
// The workloads note every call by one clock (notes_test.go), and who believed in what (beliefs_test.go);
// package history judges that. Registers are used through four doors (doors_test.go), and some members are
// processes of their own, which are paused and killed too (member_process_test.go).
//
// To add a fault, write a row of the table faults. To add a workload, a row of the table workloads.
//
// It is not for faults that must hit one exact moment; internal/sim places those. It may import
// whatever the house has, and nothing may import it.
package chaos
