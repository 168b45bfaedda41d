// Package outcome is what the measuring came to, and how it is shown: medians and spreads, ratios, the
// rule by which a machine was too noisy for a ratio, the table, JSON and the chart. It is pure: nothing
// is measured or read here.
package outcome
