package outcome

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Unit says what the values of a row are.
type Unit string

// The units. Of all but the first, less is better.
const (
	PerSecond Unit = "per second"
	Millis    Unit = "ms"
	CPUShare  Unit = "CPUs" // CPU seconds in a second
	Mebibytes Unit = "MiB"
	Bytes     Unit = "bytes"
)

// show writes a value with so many digits as can be trusted.
func (u Unit) show(value float64) string {
	switch u {
	case PerSecond, Bytes:
		return thousands(value)
	}
	return digits(value)
}

// digits writes three significant digits, more only before the point.
func digits(value float64) string {
	if value == 0 {
		return "0"
	}
	behind := 2 - int(math.Floor(math.Log10(math.Abs(value))))
	return strconv.FormatFloat(value, 'f', min(max(behind, 0), 4), 64)
}

func thousands(value float64) string {
	text := strconv.FormatFloat(math.Round(value), 'f', 0, 64)
	var parts []string
	for len(text) > 3 {
		parts = append([]string{text[len(text)-3:]}, parts...)
		text = text[:len(text)-3]
	}
	return strings.Join(append([]string{text}, parts...), ",")
}

// ratio writes a ratio.
func ratio(number float64) string {
	switch {
	case number >= 100:
		return fmt.Sprintf("%.0f", number)
	case number > 0 && number < 0.1:
		return "1/" + ratio(1/number)
	}
	return strings.TrimSuffix(strconv.FormatFloat(number, 'g', 3, 64), ".0")
}

// memory writes bytes for people.
func memory(bytes float64) string { return digits(bytes/(1<<20)) + " MiB" }
