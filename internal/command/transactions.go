package command

func transactions() []Spec {
	rows := []Spec{
		{Name: "multi", Arity: 1, Flags: Fast | Stale, Since: "1.2.0",
			Summary: "Begins a transaction: what follows is queued"},
		{Name: "exec", Arity: 1, Flags: Stale, Since: "1.2.0",
			Summary:    "Carries out what was queued as one, or nothing when a watched key has changed",
			Complexity: "that of the queued commands"},
		{Name: "discard", Arity: 1, Flags: Fast | Stale, Since: "2.0.0",
			Summary: "Forgets what was queued and watched"},
		{Name: "watch", Arity: -2, Flags: Fast | Stale, First: 1, Last: -1, Step: 1, Since: "2.2.0",
			Usage: "key [key ...]", Summary: "Makes the next transaction depend on keys being unchanged",
			Complexity: "O(N) with N the number of keys"},
		{Name: "unwatch", Arity: 1, Flags: Fast | Stale, Since: "2.2.0",
			Summary: "Forgets what was watched"},
	}
	for i := range rows {
		rows[i].Home = Talk
	}
	return of("transactions", append(rows, Spec{Name: "guard", Arity: -4, Flags: ReadOnly | Fast,
		Home: Machine, Since: "caucus 0.1", Usage: "group TERM term | EPOCH epoch | SLOT slot EPOCH epoch",
		Summary: "Makes the transaction that it stands in depend on a term or epoch being current"}))
}
