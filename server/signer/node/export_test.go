package node

// PlaceOf is the associated data of a share.
func PlaceOf(n *Node, s Share) []byte { return n.place(s) }
