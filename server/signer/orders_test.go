package signer

import (
	"reflect"
	"strings"
	"testing"
)

func TestRememberedOrdersAreThoseThatAreRead(t *testing.T) {
	orders := NewOrders()
	good := exportBody(`[{"protocol":"CGGMP21","curve":"secp256k1"}]`)
	for name, body := range map[string][]byte{
		"good": good, "another spelling": append([]byte(" "), good...), "too long": append([]byte(strings.Repeat(" ", longestOrder)), good...),
		"no order": []byte(`{}`), "no schemes": exportBody(`[]`), "nothing": nil,
	} {
		want, wantErr := ParseExport(body)
		for _, by := range []*Orders{orders, orders, nil} {
			got, err := by.ParseExport(body)
			if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(err, wantErr) {
				t.Errorf("%s: %+v, %v in place of %+v, %v", name, got, err, want, wantErr)
			}
		}
	}
}
