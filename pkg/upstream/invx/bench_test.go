package invx

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"denybatch/pkg/upstream"
)

// fiftyItems is a bulk answer as upstream documents it: 50 wrappers around documents of about 600 bytes.
func fiftyItems() []byte {
	var items []string
	for i := range 50 {
		items = append(items, fmt.Sprintf(`{"itemStatus":"1","itemData":{"id":"0f8fad5b-d9cb-469f-a165-7086772895%02d",`+
			`"docNumber":"INV/2026/%04d","docType":"100","docDate":"05/03/2023","sellerGstin":"29AABCU9603R1ZX",`+
			`"buyerGstin":"27AAPFU0939F1ZV","irdDocType":"POST","amount":118000.50,"acceptanceComments":null,`+
			`"denialComments":"Goods never arrived at the warehouse","disputeComments":null,"status":"220",`+
			`"createdByUserId":"7c9e6679-7425-40de-944b-e07fc1f90ae7","createdOn":1678092312345,`+
			`"lastUpdatedByUserId":"7c9e6679-7425-40de-944b-e07fc1f90ae8","lastUpdated":1678192312345,"annotations":[],`+
			`"irn":"a5c12dca80e743321740b001fd70953e8738d109865d28ba4013750f2046f229"},`+
			`"itemErrors":null,"itemInfo":null,"itemKey":null}`, i, i))
	}
	return []byte(`{"status":"1","data":[` + strings.Join(items, ",") + `],"error":null,"info":null}`)
}

func fiftyDenials() (denials []Denial) {
	for i := range 50 {
		denials = append(denials, Denial{fmt.Sprintf("0f8fad5b-d9cb-469f-a165-7086772895%02d", i), "Goods never arrived at the warehouse"})
	}
	return denials
}

func BenchmarkDecode(b *testing.B) {
	body := fiftyItems()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if items, err := decode(body); err != nil || len(items) != 50 {
			b.Fatal(len(items), err)
		}
	}
}

// BenchmarkDecodeWithEncodingJSON is what decode is measured against.
func BenchmarkDecodeWithEncodingJSON(b *testing.B) {
	type document struct {
		ID             string      `json:"id"`
		Status         string      `json:"status"`
		DenialComments string      `json:"denialComments"`
		LastUpdated    json.Number `json:"lastUpdated"`
	}
	type answer struct {
		Status string `json:"status"`
		Data   []struct {
			Status string          `json:"itemStatus"`
			Key    string          `json:"itemKey"`
			Data   *document       `json:"itemData"`
			Errors json.RawMessage `json:"itemErrors"`
		} `json:"data"`
		Error json.RawMessage `json:"error"`
	}
	body := fiftyItems()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var a answer
		if err := json.Unmarshal(body, &a); err != nil || len(a.Data) != 50 {
			b.Fatal(len(a.Data), err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	denials := fiftyDenials()
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		buf = appendDenials(buf[:0], denials)
	}
	b.SetBytes(int64(len(buf)))
}

// BenchmarkDenyBulk is a whole call to a server in this process that answers at once: its cost is in the figure too.
func BenchmarkDenyBulk(b *testing.B) {
	body := fiftyItems()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.Write(body)
	}))
	defer srv.Close()
	c, err := New(Config{URL: srv.URL, Org: "org", Token: upstream.NewSecret("t")})
	if err != nil {
		b.Fatal(err)
	}
	denials := fiftyDenials()
	b.ReportAllocs()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if answer, err := c.DenyBulk(context.Background(), denials); err != nil || len(answer.Items) != 50 {
				b.Error(len(answer.Items), err)
			}
		}
	})
	b.ReportMetric(50*float64(b.N)/b.Elapsed().Seconds(), "documents/s")
}
