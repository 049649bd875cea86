// Package cloud is the AWS services, besides S3, that our functions talk to: each no more than what they ask of it.
package cloud

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// Secrets reads secrets from Secrets Manager and remembers them for the life of the process. It is safe for concurrent
// use.
type Secrets struct {
	client *secretsmanager.Client

	mu    sync.Mutex
	known map[string]string
}

// NewSecrets remembers nothing yet and asks nothing.
func NewSecrets(client *secretsmanager.Client) *Secrets {
	return &Secrets{client: client, known: map[string]string{}}
}

// Get is the text of the secret behind arn. With fresh it is read anew, because somebody may have changed it; after an
// error what was known before stays known.
func (s *Secrets) Get(ctx context.Context, arn string, fresh bool) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text, ok := s.known[arn]; ok && !fresh {
		return text, nil
	}
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
	if err != nil {
		return "", fmt.Errorf("read the secret %s: %w", arn, err)
	}
	s.known[arn] = aws.ToString(out.SecretString)
	return s.known[arn], nil
}
