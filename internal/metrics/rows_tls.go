package metrics

func tlsRows() []row {
	known := func(of func(*TLS, put)) func(*Readings, put) {
		return func(r *Readings, put put) {
			if r.TLS != nil {
				of(r.TLS, put)
			}
		}
	}
	return []row{
		{name: "caucus_tls_certificate_not_after_timestamp_seconds",
			help: "When the node's certificate ends, or an authority by which it is believed, whichever comes first.",
			read: known(func(t *TLS, put put) { put(float64(t.NotAfter.Unix())) })},
		{name: "caucus_tls_reload_failures_total", counts: true,
			help: "Times that files of certificates had changed, or were to be read anew, and were of no use; the " +
				"node goes on with those before.",
			read: known(func(t *TLS, put put) { put(float64(t.Refused)) })},
		{name: "caucus_tls_handshake_failures_total", labels: []string{"door"}, counts: true,
			help: "Connections that were turned away because they speak no TLS or show no certificate that will do.",
			read: known(func(t *TLS, put put) {
				for _, door := range []string{"resp", "http", "peer"} {
					put(float64(t.Failed[door]), door)
				}
			})},
	}
}
