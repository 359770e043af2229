module github.com/servicestage/terraform-provider-servicestage/internal/emulator/browsertest

go 1.26.0

replace github.com/servicestage/terraform-provider-servicestage => ../../..

require (
	github.com/chromedp/cdproto v0.159.0
	github.com/chromedp/chromedp v0.23.0
	github.com/servicestage/terraform-provider-servicestage v0.0.0-00010101000000-000000000000
)

require (
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	golang.org/x/sync v0.25.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)
