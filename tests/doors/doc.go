// Package doors holds tests of ensembles of real processes as clients see them: through redis-cli, go-redis,
// plain sockets and net/http. What is said to them stands in scripts in testdata, one a family of commands.
//
// It is not for faults that need thousands of writes and a checker; those are in tests.
package doors
