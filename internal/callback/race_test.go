//go:build race

package callback_test

func init() { floodOnS3 = 2_500 }
