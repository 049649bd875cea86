package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"
)

// addDashboard makes one page that answers, from top to bottom: is anything wrong, what became of the rows, what became of the
// requests, and how do the machines do.
func (s *denybatch) addDashboard() {
	page := awscloudwatch.NewDashboard(s.stack, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DefaultInterval: awscdk.Duration_Days(jsii.Number(1)),
	})
	page.AddWidgets(awscloudwatch.NewAlarmStatusWidget(&awscloudwatch.AlarmStatusWidgetProps{
		Title: jsii.String("Alarms"), Alarms: &s.watched, Width: jsii.Number(24),
	}))
	page.AddWidgets(
		graph("Rows", sums("Denied", "AlreadyDenied", "Rejected", "Invalid", "Unknown", "NotSent")...),
		graph("Batches and calls of InvX", sums("Batches", "BulkCalls", "Reads")...),
	)
	page.AddWidgets(
		graph("Requests", sums("Accepted", "RequestsRefused", "UnknownRequests", "Exhausted")...),
		graph("Sweeps and calls of ROIT", sums("Sweeps", "Asked")...),
	)
	page.AddWidgets(
		graph("Work that waits", s.work.MetricApproximateNumberOfMessagesVisible(over(5, "Maximum")),
			s.deadLetters.MetricApproximateNumberOfMessagesVisible(over(5, "Maximum")),
			s.lostSweeps.MetricApproximateNumberOfMessagesVisible(over(5, "Maximum"))),
		graph("Callbacks", s.calls("Count", over(5, "Sum")), s.calls("4xx", over(5, "Sum")), s.calls("5xx", over(5, "Sum"))),
	)
	page.AddWidgets(
		graph("Longest invocations, in milliseconds", s.each(func(f named) awscloudwatch.IMetric { return f.MetricDuration(over(5, "Maximum")) })...),
		graph("Errors", s.each(func(f named) awscloudwatch.IMetric { return f.MetricErrors(over(5, "Sum")) })...),
	)
}

func graph(title string, metrics ...awscloudwatch.IMetric) awscloudwatch.GraphWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
		Title: jsii.String(title), Left: &metrics, Width: jsii.Number(12),
	})
}

// sums are metrics of ours, in quarters of an hour.
func sums(names ...string) []awscloudwatch.IMetric {
	var all []awscloudwatch.IMetric
	for _, name := range names {
		all = append(all, ours(name, over(15, "Sum")))
	}
	return all
}

// each is a metric of every function.
func (s *denybatch) each(metric func(named) awscloudwatch.IMetric) []awscloudwatch.IMetric {
	var all []awscloudwatch.IMetric
	for _, f := range s.all() {
		all = append(all, metric(f))
	}
	return all
}
