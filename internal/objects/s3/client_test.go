package s3_test

import (
	"slices"
	"testing"

	"denybatch/internal/objects/objectstest/s3server"
	"denybatch/internal/objects/s3"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestParseURL(t *testing.T) {
	for url, want := range map[string][2]string{
		"s3://b": {"b", ""}, "s3://b/": {"b", ""}, "s3://b/p": {"b", "p"}, "s3://b/p/q/": {"b", "p/q"},
		"": {}, "b": {}, "s3://": {}, "s3:///p": {}, "s3://b//p": {}, "s3://b/../p": {}, "https://b/p": {},
	} {
		bucket, prefix, err := s3.ParseURL(url)
		if [2]string{bucket, prefix} != want || (err == nil) != (want[0] != "") {
			t.Errorf("%s: got %q, %q, error %v, want %q", url, bucket, prefix, err, want)
		}
	}
}

func TestClientIsPlainOnAWSAndCompatibleElsewhere(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL", "")
	own := s3.NewClient(aws.Config{Region: "eu-central-1"}).Options()
	other := s3.NewClient(aws.Config{Region: "eu-central-1", BaseEndpoint: aws.String("http://127.0.0.1:1")}).Options()
	if own.UsePathStyle || !other.UsePathStyle {
		t.Errorf("path style: %t on AWS, %t elsewhere", own.UsePathStyle, other.UsePathStyle)
	}
	if other.RequestChecksumCalculation != aws.RequestChecksumCalculationWhenRequired || other.Retryer.MaxAttempts() != 8 {
		t.Errorf("checksums %v, %d attempts", other.RequestChecksumCalculation, other.Retryer.MaxAttempts())
	}
	asked := s3.NewClient(aws.Config{
		Region: "eu-central-1", RetryMaxAttempts: 2, RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
	}).Options()
	if asked.RequestChecksumCalculation != aws.RequestChecksumCalculationWhenSupported || asked.Retryer.MaxAttempts() != 2 {
		t.Errorf("what was asked for is not so: checksums %v, %d attempts", asked.RequestChecksumCalculation, asked.Retryer.MaxAttempts())
	}
}

// What the SDK's own variables say is enough to open a store.
func TestOpenFromTheEnvironment(t *testing.T) {
	server := s3server.Start(t, s3server.Versity)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": s3server.Region, "AWS_ACCESS_KEY_ID": s3server.Access,
		"AWS_SECRET_ACCESS_KEY": s3server.Secret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
	bucket := server.Bucket(t)
	s, err := s3.Open(t.Context(), "s3://"+bucket+"/state")
	if err != nil {
		t.Fatal(err)
	}
	create(t, s, "a/b", "1")
	wantContent(t, s3.New(server.Client(), bucket, ""), "state/a/b", "1")
	if _, err := s3.Open(t.Context(), "somewhere"); err == nil {
		t.Error("opened no URL")
	}
}

func TestStoresWithPrefixesKeepApart(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	client, bucket := server.Client(), server.Bucket(t)
	for _, prefix := range []string{"a", "a-b", "/aa/"} {
		create(t, s3.New(client, bucket, prefix), "x", prefix)
	}
	marker := "a/folder/"
	if _, err := client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &bucket, Key: &marker}); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string][]string{"a": {"x"}, "a-b": {"x"}, "aa": {"x"}, "": {"a-b/x", "a/x", "aa/x"}, "b": nil} {
		var got []string
		for info, err := range s3.New(client, bucket, prefix).List(t.Context(), "", "") {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, info.Key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", prefix, got, want)
		}
	}
}
