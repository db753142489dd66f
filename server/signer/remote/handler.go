package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"keyferry/server/fault"
	"keyferry/server/keyring"
	"keyferry/server/signer"
)

// The refusals of questions that are none. Nothing was done.
var (
	errQuestion = fault.New(fault.Invalid, "signer.question", "the question cannot be read")
	errPath     = fault.New(fault.NotFound, "signer.path", "there is no such question")
	errCrowded  = fault.New(fault.Unavailable, signer.ErrUnavailable.Reason, signer.ErrUnavailable.Message)
)

// Handler answers questions to a signer. Who may ask is decided before it, by the
// connection ([Server]).
type Handler struct {
	signer  signer.Signer
	log     *slog.Logger
	maxBody int64
	seats   chan struct{} // one for each question at a time
	mux     *http.ServeMux
}

// NewHandler returns a handler that reads up to maxBody bytes of a question and has up
// to atATime questions in work.
func NewHandler(s signer.Signer, log *slog.Logger, maxBody int64, atATime int) (*Handler, error) {
	if s == nil || log == nil || maxBody <= 0 || atATime <= 0 {
		return nil, errors.New("remote: a handler needs a signer, a log and limits")
	}
	h := &Handler{signer: s, log: log, maxBody: maxBody, seats: make(chan struct{}, atATime), mux: http.NewServeMux()}
	h.mux.HandleFunc("POST "+greetingPath, func(w http.ResponseWriter, _ *http.Request) { respond(w, doneBody{}, nil) })
	h.mux.Handle("POST "+exportPath, question(h, h.export))
	h.mux.Handle("POST "+approvedPath, question(h, h.exportApproved))
	h.mux.Handle("POST "+preparePath, question(h, h.prepare))
	h.mux.Handle("POST "+commitPath, question(h, h.commit))
	h.mux.Handle("POST "+discardPath, question(h, h.discard))
	h.mux.Handle("POST "+readyPath, question(h, h.ready))
	h.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { respond(w, nil, errPath) })
	return h, nil
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case h.seats <- struct{}{}:
		defer func() { <-h.seats }()
		h.mux.ServeHTTP(w, r)
	default:
		respond(w, nil, errCrowded)
	}
}

// acted is what is logged of an answer.
type acted struct {
	org, key, action string
}

func (h *Handler) export(ctx context.Context, b actionBody) (any, acted, error) {
	return h.release(ctx, signer.Request{Action: b.parse()})
}

func (h *Handler) exportApproved(ctx context.Context, b approvedBody) (any, acted, error) {
	request, err := b.parse()
	if err != nil {
		return nil, acted{}, errQuestion.Because(err)
	}
	return h.release(ctx, request)
}

func (h *Handler) release(ctx context.Context, r signer.Request) (any, acted, error) {
	signed := r.Action
	key, _ := signer.ExportedKey(signed.Input.Method, signed.Input.Path) // empty in the log if there is none
	about := acted{signed.Input.Organisation, string(key), fmt.Sprintf("%x", signed.ID())}
	share, err := h.signer.Export(ctx, r)
	if err != nil {
		return nil, about, err
	}
	return shareBody{Ciphertext: share.Ciphertext, Statement: share.Statement.JSON()}, about, nil
}

func (h *Handler) prepare(ctx context.Context, b actionBody) (any, acted, error) {
	signed := b.parse()
	about := acted{signed.Input.Organisation, string(keyring.KeyIDFor(signed.ID())), fmt.Sprintf("%x", signed.ID())}
	prepared, err := h.signer.Prepare(ctx, signer.Request{Action: signed})
	if err != nil {
		return nil, about, err
	}
	return writePrepared(prepared), about, nil
}

func (h *Handler) commit(ctx context.Context, b commitBody) (any, acted, error) {
	about := acted{org: string(b.Organisation), key: string(b.KeyID)}
	commit, err := b.parse()
	if err != nil {
		return nil, about, errQuestion.Because(err)
	}
	return doneBody{}, about, h.signer.Commit(ctx, commit)
}

func (h *Handler) discard(ctx context.Context, b discardBody) (any, acted, error) {
	about := acted{key: string(b.KeyID)}
	key, err := b.parse()
	if err != nil {
		return nil, about, errQuestion.Because(err)
	}
	return doneBody{}, about, h.signer.Discard(ctx, key)
}

func (h *Handler) ready(ctx context.Context, _ readyBody) (any, acted, error) {
	prober, ok := h.signer.(signer.Prober)
	if !ok {
		return nil, acted{}, errPath
	}
	if err := prober.Ready(ctx); err != nil {
		return nil, acted{}, signer.ErrUnavailable.Because(err)
	}
	return doneBody{}, acted{}, nil
}

// question reads a body, has it answered, and logs what came of it.
func question[B any](h *Handler, answer func(context.Context, B) (any, acted, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		var body B
		var result any
		var about acted
		err := h.read(w, r, &body)
		if err == nil {
			result, about, err = guarded(r.Context(), body, answer)
		}
		h.record(r.URL.Path, about, time.Since(begun), err)
		respond(w, result, err)
	}
}

func (h *Handler) read(w http.ResponseWriter, r *http.Request, into any) error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return errQuestion.Because(errors.New("it is not JSON"))
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.maxBody))
	if err != nil {
		return errQuestion.Because(err)
	}
	if err := decode(text, into); err != nil {
		return errQuestion.Because(err)
	}
	return nil
}

func (h *Handler) record(path string, about acted, took time.Duration, err error) {
	attributes := []any{"path", clip(path), "organisation", clip(about.org), "key", clip(about.key), "action", about.action, "took", took.Round(time.Microsecond)}
	if err == nil {
		h.log.Info("answered", attributes...)
		return
	}
	h.log.Warn("refused", append(attributes, "reason", fault.ReasonOf(err), "error", err)...)
}

// clip keeps whoever asks from filling the log with names that nobody has verified yet.
func clip(text string) string {
	const most = 100
	return text[:min(len(text), most)]
}

func respond(w http.ResponseWriter, result any, err error) {
	status := http.StatusOK
	if err != nil {
		refusal := writeRefusal(err)
		status, result = statusOf(refusal), refusal
	}
	text, encoding := encode(result)
	if encoding != nil {
		status, text = http.StatusInternalServerError, []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(text) // if it does not arrive, the client knows that it does not know
}
