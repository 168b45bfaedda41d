package follow

// Generation is how many series one generation remembers.
const Generation = generation

// Remembered says how many series are.
func (p *Place) Remembered() int { return len(p.beside.newest) + len(p.beside.before) }
