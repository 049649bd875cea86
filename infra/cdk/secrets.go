package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"
)

// invxSecret is the ARN of what proves to InvX who calls: a token, a password, or either of them for each organisation.
func (s *denybatch) invxSecret() *string {
	if s.set.invx.secretARN != "" {
		return jsii.String(s.set.invx.secretARN)
	}
	return s.secret("InvxSecret", map[string]string{
		"token":         "Token for Vayana InvX",
		"handle":        "Password of the handle at Vayana InvX",
		"organisations": `Tokens or logins at Vayana InvX: {"<organisation>": {"token": "…"}}, or with "handle" and "password"`,
	}[s.set.invx.login])
}

// roitSecret is the ARN of what proves to ROIT who calls: a token, or what is posted to get one.
func (s *denybatch) roitSecret() *string {
	if s.set.roit.secretARN != "" {
		return jsii.String(s.set.roit.secretARN)
	}
	return s.secret("RoitSecret", map[string]string{
		"token":   "Token for ROIT, which is valid for eight hours",
		"fetched": "JSON that is posted to get a token from ROIT",
	}[s.set.roit.login])
}

// secret makes one without a value. A person puts that in, once, so that it never passes through a template.
func (s *denybatch) secret(name, description string) *string {
	return s.keepSecret(name, &awssecretsmanager.CfnSecretProps{Description: jsii.String(description)},
		"Upstream issues this secret and offers no way to change it by program: "+
			"a person rotates it by putting in the new value, which the function reads when the old one is refused.")
}

// callbackSecret is the ARN of the token that ROIT has to show. We choose it, at random, and a person gives it to ROIT.
func (s *denybatch) callbackSecret() *string {
	if s.set.callbackSecretARN != "" {
		return jsii.String(s.set.callbackSecretARN)
	}
	return s.keepSecret("CallbackSecret", &awssecretsmanager.CfnSecretProps{
		Description: jsii.String("Token that ROIT shows when it calls back"),
		GenerateSecretString: &awssecretsmanager.CfnSecret_GenerateSecretStringProperty{
			PasswordLength: jsii.Number(48), ExcludePunctuation: jsii.Bool(true),
		},
	}, "ROIT has to be told the new value when it changes, and offers no way to do that by program.")
}

// keepSecret makes a secret that outlives the stack, and says why nobody changes it by program.
func (s *denybatch) keepSecret(name string, props *awssecretsmanager.CfnSecretProps, notRotated string) *string {
	secret := awssecretsmanager.NewCfnSecret(s.stack, jsii.String(name+"Value"), props)
	secret.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	accept(secret, "AwsSolutions-SMG4", notRotated)
	s.output(name, secret.AttrId(), *props.Description)
	return secret.AttrId()
}
