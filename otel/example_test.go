package otel_test

import (
	"context"
	"log"

	"github.com/caucus-project/caucus/node"
	"github.com/caucus-project/caucus/otel"
)

// A service that embeds a node has one write in a hundred traced.
func Example() {
	ctx := context.Background()
	tracer, err := otel.New(ctx, otel.Config{Ratio: 0.01})
	if err != nil {
		log.Fatal(err)
	}
	defer tracer.Close(ctx) // when the node is closed
	n, err := node.Open(ctx, node.Config{Data: "data", Tracer: tracer})
	if err != nil {
		log.Print(err)
		return
	}
	defer n.Close()
}
