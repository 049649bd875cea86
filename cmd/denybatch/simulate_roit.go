package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"denybatch/pkg/upstream/upstreamtest"
)

// roitSimulation is what the flags of simulate say about ROIT.
type roitSimulation struct {
	seedFile string
	auto     bool
	refuse   []string
}

func (s *simulation) addROITFlags(cmd *cobra.Command) {
	flags, roit := cmd.Flags(), &s.server.ROIT
	flags.StringVar(&s.roit.seedFile, "roit-requests", "", "CSV file of requests: requestId[,integrationId][,status][,then][,entity][,type][,reference][,message]")
	flags.BoolVar(&s.roit.auto, "roit-auto", false, "requests nobody named exist, in ERROR (the default without --roit-requests)")
	flags.StringVar(&roit.Answers, "roit-answers", "PROCESSING", "status that reprocess answers and leaves the request in; an unknown one is only answered")
	flags.StringSliceVar(&roit.Then, "roit-then", []string{"DONE"}, "statuses that the runs of a request end in, the last one again and again")
	flags.Var(word(&roit.Data), "roit-data", "data of answers: full, sparse, null, none (default full)")
	flags.BoolVar(&roit.NewRequestID, "roit-new-id", false, "reprocess answers a new requestId, and callbacks are about that")
	flags.IntVar(&roit.RetryAfter, "roit-retry-after", 0, "retryAfter of every answer")
	flags.StringSliceVar(&s.roit.refuse, "roit-refuse", nil, "states that forbid a reprocess: done, processing")
	flags.IntVar(&roit.RefuseStatus, "roit-refuse-status", 409, "HTTP status for calls that a request's state forbids: 409, 400")
	flags.StringVar(&roit.Token, "roit-token", "", "a token that is always good (default "+upstreamtest.DefaultROITToken+" without --roit-token-body)")
	flags.StringVar(&roit.AuthPrefix, "roit-auth-prefix", "", "word before the token in Authorization, such as Bearer")
	flags.StringToStringVar(&roit.TokenBody, "roit-token-body", nil, "members that a body must have to get a token, such as client=us,secret=right")
	flags.StringVar(&roit.TokenPath, "roit-token-path", "/roit/token", "where tokens are made")
	flags.StringVar(&roit.TokenField, "roit-token-field", "token", "where the token stands in the answer, such as data.token")
	flags.DurationVar(&roit.TokenLife, "roit-token-life", 0, "how long tokens live that are made (default 8h)")
	flags.IntVar(&roit.Unauthorized, "roit-unauthorized", 401, "HTTP status for a token that is not good: 401, 403")

	flags.StringVar(&roit.CallbackURL, "callback-url", "", "where ROIT tells how runs end; on this machine only")
	flags.StringVar(&roit.CallbackToken, "callback-token", upstreamtest.DefaultCallbackToken, "what callbacks carry")
	flags.StringVar(&roit.CallbackHeader, "callback-header", "Authorization: <token>", "how they carry it, such as X-Callback-Token or Authorization: Bearer <token>")
	flags.Var(word(&roit.CallbackForm), "callback-form", "body of callbacks: bare, envelope, process (default bare)")
	flags.DurationVar(&roit.CallbackAfter, "callback-after", 0, "from a reprocess to the end of the run and its callback; negative is never (default 50ms)")
	flags.IntVar(&roit.CallbackTimes, "callback-times", 1, "how often each callback is delivered")
	flags.BoolVar(&roit.CallbackProgress, "callback-progress", false, "a callback that says PROCESSING comes first")
	flags.BoolVar(&roit.CallbackShuffle, "callback-shuffle", false, "the callbacks of one run come in any order")
	flags.DurationVar(&roit.CallbackPause, "callback-pause", 0, "before a callback that met a server error is sent again (default 200ms)")
}

// complete gives the server's settings what the flags say in words.
func (s *roitSimulation) complete(roit *upstreamtest.ROIT) error {
	for _, state := range s.refuse {
		switch strings.ToLower(state) {
		case "done":
			roit.RefuseDone = true
		case "processing":
			roit.RefuseProcessing = true
		default:
			return fmt.Errorf("--roit-refuse %q: want done or processing", state)
		}
	}
	roit.Auto = s.auto
	return nil
}

// roitLines are the environment for a client of ROIT.
func (s *simulation) roitLines(server *upstreamtest.Server) []string {
	roit := s.server.ROIT
	lines := []string{"DENYBATCH_ROIT_URL=" + server.URL()}
	if token := server.ROITToken(); token != "" {
		lines = append(lines, "DENYBATCH_ROIT_TOKEN="+token)
	} else {
		body, _ := json.Marshal(roit.TokenBody) // a map of texts: it cannot fail
		lines = append(lines, "DENYBATCH_ROIT_TOKEN_URL="+server.ROITTokenURL(), "DENYBATCH_ROIT_TOKEN_BODY="+string(body))
		if roit.TokenField != "token" {
			lines = append(lines, "DENYBATCH_ROIT_TOKEN_FIELD="+roit.TokenField)
		}
	}
	if roit.AuthPrefix != "" {
		lines = append(lines, "DENYBATCH_ROIT_AUTH_PREFIX="+roit.AuthPrefix)
	}
	if roit.CallbackURL != "" {
		lines = append(lines, "DENYBATCH_CALLBACK_TOKEN="+roit.CallbackToken)
	}
	return lines
}

// printROITTotals prints what ROIT was asked and what it called, if anything.
func printROITTotals(out io.Writer, n upstreamtest.Counters) {
	if n.ReprocessCalls+n.StatusCalls+n.PendingCalls+n.AttachmentCalls+n.ROITTokenCalls > 0 {
		fmt.Fprintf(out, "%d reprocess calls, %d carried out (%d of them on requests in PROCESSING or DONE), %d status calls, %d requests handed out, %d attachments, %d tokens\n",
			n.ReprocessCalls, n.Reprocessed, n.DoubleReprocesses, n.StatusCalls, n.HandedOut, n.AttachmentCalls, n.ROITTokenCalls)
	}
	if n.CallbackCalls > 0 {
		fmt.Fprintf(out, "%d callbacks, %d accepted\n", n.CallbackCalls, n.CallbacksAccepted)
	}
}
