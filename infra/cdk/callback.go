package main

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// addCallback makes the function that anybody on the internet can reach. It checks the token, and may touch nothing but the
// machine's own bucket.
func (s *denybatch) addCallback() {
	secret := s.callbackSecret()
	fn := s.function("callback", &awslambda.FunctionProps{
		Description: jsii.String("Hears from ROIT how requests went, and records it"),
		Timeout:     awscdk.Duration_Seconds(jsii.Number(10)),
		MemorySize:  jsii.Number(256),
		Environment: environment(pick(s.set.sweep, "DENYBATCH_SWEEP_ATTEMPTS", "DENYBATCH_SWEEP_BACKOFF"), variables{
			"DENYBATCH_CALLBACK_TOKEN_ARN": secret,
			"DENYBATCH_STATE":              s.address(s.state),
		}),
	})
	fn.may("KeepCallbacks", "s3:GetObject s3:PutObject", within(s.state, "callbacks/"))
	fn.may("KeepRequests", "s3:GetObject s3:PutObject", within(s.state, "requests/"))
	fn.may("KeepWhatIsDue", "s3:GetObject s3:PutObject s3:DeleteObject", within(s.state, "due/"))
	fn.may("TellMissingFromForbidden", "s3:ListBucket", s.state.BucketArn())
	fn.may("KnowTheToken", "secretsmanager:GetSecretValue", secret)
	s.callback = fn.Function
}

// openTheCallback gives the function one address on the internet, /callback. Every method leads there, so that the
// function answers the wrong ones in its own words. More calls than the limits let through are answered 429.
func (s *denybatch) openTheCallback() {
	s.api = awsapigatewayv2.NewCfnApi(s.stack, jsii.String("CallbackApi"), &awsapigatewayv2.CfnApiProps{
		Name:         jsii.String("denybatch-callback"),
		Description:  jsii.String("Where ROIT reports how requests went"),
		ProtocolType: jsii.String("HTTP"),
	})
	integration := awsapigatewayv2.NewCfnIntegration(s.stack, jsii.String("CallbackIntegration"), &awsapigatewayv2.CfnIntegrationProps{
		ApiId:                s.api.Ref(),
		IntegrationType:      jsii.String("AWS_PROXY"),
		IntegrationUri:       s.callback.FunctionArn(),
		PayloadFormatVersion: jsii.String("2.0"),
	})
	route := awsapigatewayv2.NewCfnRoute(s.stack, jsii.String("CallbackRoute"), &awsapigatewayv2.CfnRouteProps{
		ApiId:             s.api.Ref(),
		RouteKey:          jsii.String("ANY /callback"),
		AuthorizationType: jsii.String("NONE"),
		Target:            join(jsii.String("integrations/"), integration.Ref()),
	})
	accept(route, "AwsSolutions-APIG4", "ROIT sends a token of ours and can sign nothing. The function compares it in constant time; an authorizer "+
		"would be a second function with the same secret, and would hide from the record what was refused.")
	awsapigatewayv2.NewCfnStage(s.stack, jsii.String("CallbackStage"), &awsapigatewayv2.CfnStageProps{
		ApiId:      s.api.Ref(),
		StageName:  jsii.String("$default"),
		AutoDeploy: jsii.Bool(true),
		DefaultRouteSettings: &awsapigatewayv2.CfnStage_RouteSettingsProperty{
			ThrottlingRateLimit:  jsii.Number(s.set.callbackRate),
			ThrottlingBurstLimit: jsii.Number(s.set.callbackBurst),
		},
		AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
			DestinationArn: s.log("callback-access").LogGroupArn(),
			Format:         jsii.String(accessLog),
		},
	})
	s.callback.AddPermission(jsii.String("CallbackApi"), &awslambda.Permission{
		Principal: awsiam.NewServicePrincipal(jsii.String("apigateway.amazonaws.com"), nil),
		SourceArn: s.arn("execute-api", *s.api.Ref()+"/*/*/callback"),
	})
}

// accessLog is one line of JSON for each call: who called, and what the answer was. Headers are left out, because one holds the token.
var accessLog = func() string {
	line := map[string]string{}
	for name, variable := range map[string]string{
		"requestId": "requestId", "time": "requestTime", "ip": "identity.sourceIp", "agent": "identity.userAgent",
		"method": "httpMethod", "route": "routeKey", "status": "status", "protocol": "protocol", "bytes": "responseLength",
		"milliseconds": "responseLatency", "functionStatus": "integration.integrationStatus", "error": "error.message",
		"functionError": "integration.error",
	} {
		line[name] = "$context." + variable
	}
	text, _ := json.Marshal(line)
	return string(text)
}()

// pick are those of the values that have one of the names.
func pick(values map[string]string, names ...string) variables {
	picked := variables{}
	for _, name := range names {
		if value, ok := values[name]; ok {
			picked[name] = jsii.String(value)
		}
	}
	return picked
}
