package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"denybatch/internal/inbox"
)

// LongestDelay is the most that SQS keeps a message back.
const LongestDelay = 15 * time.Minute

// Queue is the queue that invokes deny-bulk. Its URL may be empty: then nobody can be asked to go on.
type Queue struct {
	Client *sqs.Client
	URL    string
}

// Continue asks deny-bulk to go on with an object after delay, or after [LongestDelay] if that is shorter. The object's
// key is that in its bucket.
func (q Queue) Continue(ctx context.Context, o inbox.Object, delay time.Duration) error {
	if q.URL == "" {
		return fmt.Errorf("DENYBATCH_QUEUE_URL is not set, so there is nobody to go on with %s: invoke the function with the same event again", o.Key)
	}
	body, err := json.Marshal(inbox.Continuation{Continue: &o})
	if err != nil {
		return err
	}
	seconds := min(max(delay, 0), LongestDelay) / time.Second
	_, err = q.Client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.URL, MessageBody: aws.String(string(body)), DelaySeconds: int32(seconds),
	})
	return err
}
