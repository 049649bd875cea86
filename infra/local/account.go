package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// account is the emulator's only one.
type account struct {
	stacks  *cloudformation.Client
	objects *s3.Client
	secrets *secretsmanager.Client
}

// accountID is the account of the emulator to which credentials "test" belong.
const accountID = "000000000000"

func connect(p place) (account, error) {
	client, err := p.client()
	if err != nil {
		return account{}, err
	}
	cfg := aws.Config{
		Region: region, BaseEndpoint: aws.String(p.endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: client,
	}
	return account{
		stacks:  cloudformation.NewFromConfig(cfg),
		objects: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
		secrets: secretsmanager.NewFromConfig(cfg),
	}, nil
}

// toolkit is what "cdk bootstrap" puts into an account, as far as synthesised templates ask for it.
const toolkit = `{
	"Resources": {
		"Assets": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}}},
		"Version": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/cdk-bootstrap/hnb659fds/version", "Type": "String", "Value": "21"}}
	}
}`

// bootstrap prepares the account for stacks made with the CDK.
func (a account) bootstrap(ctx context.Context) error {
	_, err := a.create(ctx, &cloudformation.CreateStackInput{StackName: aws.String("CDKToolkit"), TemplateBody: aws.String(toolkit)})
	return err
}

// deploy uploads what the assembly refers to, creates its stack from the template as it is, and returns the stack's outputs.
func (a account) deploy(ctx context.Context, assembly string) (map[string]string, error) {
	say("deploying the stack")
	template, err := a.upload(ctx, assembly)
	if err != nil {
		return nil, err
	}
	return a.create(ctx, &cloudformation.CreateStackInput{
		StackName: aws.String("Denybatch"), TemplateURL: aws.String(template),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
}

// create returns the stack's outputs, or why there is no stack.
func (a account) create(ctx context.Context, in *cloudformation.CreateStackInput) (map[string]string, error) {
	if _, err := a.stacks.CreateStack(ctx, in); err != nil {
		return nil, fmt.Errorf("create the stack %s: %w", *in.StackName, err)
	}
	wait := cloudformation.NewStackCreateCompleteWaiter(a.stacks, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second
	})
	out, err := wait.WaitForOutput(ctx, &cloudformation.DescribeStacksInput{StackName: in.StackName}, time.Minute)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create the stack %s: %w", *in.StackName, err), a.failures(ctx, in.StackName))
	}
	outputs := map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	return outputs, nil
}

// failures says which resources could not be made, and why.
func (a account) failures(ctx context.Context, stack *string) error {
	out, err := a.stacks.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: stack})
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range out.StackEvents {
		if e.ResourceStatus == types.ResourceStatusCreateFailed {
			errs = append(errs, fmt.Errorf("%s (%s): %s", aws.ToString(e.LogicalResourceId), aws.ToString(e.ResourceType), aws.ToString(e.ResourceStatusReason)))
		}
	}
	return errors.Join(errs...)
}

// manifest is the assembly's list of what to upload where.
type manifest struct {
	Files map[string]struct {
		Source struct {
			Path      string `json:"path"`
			Packaging string `json:"packaging"` // zip or file
		} `json:"source"`
		Destinations map[string]struct {
			Bucket string `json:"bucketName"`
			Key    string `json:"objectKey"`
		} `json:"destinations"`
	} `json:"files"`
}

// upload puts every asset where the template expects it, and returns the template's own address.
func (a account) upload(ctx context.Context, assembly string) (template string, err error) {
	text, err := os.ReadFile(filepath.Join(assembly, "Denybatch.assets.json"))
	if err != nil {
		return "", err
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return "", fmt.Errorf("read Denybatch.assets.json: %w", err)
	}
	here := strings.NewReplacer("${AWS::AccountId}", accountID, "${AWS::Region}", region)
	for _, file := range m.Files {
		content, err := pack(filepath.Join(assembly, file.Source.Path), file.Source.Packaging)
		if err != nil {
			return "", err
		}
		for _, to := range file.Destinations {
			bucket := here.Replace(to.Bucket)
			if _, err := a.objects.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: aws.String(to.Key), Body: bytes.NewReader(content)}); err != nil {
				return "", fmt.Errorf("upload %s: %w", file.Source.Path, err)
			}
			if file.Source.Path == "Denybatch.template.json" {
				template = "https://s3." + region + ".amazonaws.com/" + bucket + "/" + to.Key
			}
		}
	}
	if template == "" {
		return "", errors.New("the cloud assembly lists no template")
	}
	return template, nil
}

// pack is the content of a file, or a folder as a zip.
func pack(path, packaging string) ([]byte, error) {
	if packaging != "zip" {
		return os.ReadFile(path)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	err := errors.Join(z.AddFS(os.DirFS(path)), z.Close())
	return b.Bytes(), err
}

// fillSecrets puts the caller's secrets into those of the stack.
func (a account) fillSecrets(ctx context.Context, outputs map[string]string, getenv func(string) string) error {
	for output, value := range secretValues(getenv) {
		if value == "" || outputs[output] == "" {
			continue
		}
		in := &secretsmanager.PutSecretValueInput{SecretId: aws.String(outputs[output]), SecretString: &value}
		if _, err := a.secrets.PutSecretValue(ctx, in); err != nil {
			return fmt.Errorf("put a value into the secret of the output %s: %w", output, err)
		}
	}
	return nil
}
