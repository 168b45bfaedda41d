package httpd

// AtSeat gives how many requests of a client have come and have not been answered.
func (d *Door) AtSeat(group, header string) int {
	d.seats.mu.Lock()
	defer d.seats.mu.Unlock()
	if s, ok := d.seats.byWho[client{group, header}]; ok {
		return s.users
	}
	return 0
}
