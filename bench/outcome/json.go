package outcome

import "encoding/json"

// MarshalJSON implements json.Marshaler: what was measured, and what follows from it. A ratio that may
// not be shown is not there.
func (r Row) MarshalJSON() ([]byte, error) {
	type plain Row
	whole := struct {
		plain
		Ratio *float64 `json:"ratio,omitempty"`
		Noise string   `json:"noise,omitempty"`
	}{plain: plain(r), Noise: r.Noise()}
	if number := r.shown(); number > 0 {
		whole.Ratio = &number
	}
	return json.Marshal(whole)
}
