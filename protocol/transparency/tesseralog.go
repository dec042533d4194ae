package transparency

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"k8s.io/klog/v2"
)

// tesseraLog stands between klog, whose logger may be set only before it is used, and the
// logger that is wanted at the moment.
type tesseraLog struct{ attrs []slog.Attr }

var (
	tesseraSink atomic.Pointer[slog.Logger]
	setKlog     = sync.OnceFunc(func() { klog.SetSlogLogger(slog.New(tesseraLog{})) })
)

// logTessera sends what Tessera logs to l, unless it is nil.
func logTessera(l *slog.Logger) {
	if l != nil {
		tesseraSink.Store(l)
	}
	setKlog()
}

// Enabled implements slog.Handler.
func (tesseraLog) Enabled(ctx context.Context, level slog.Level) bool {
	l := tesseraSink.Load()
	return l != nil && l.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (t tesseraLog) Handle(ctx context.Context, r slog.Record) error {
	l := tesseraSink.Load()
	if l == nil {
		return nil
	}
	r = r.Clone()
	r.AddAttrs(t.attrs...)
	return l.Handler().Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (t tesseraLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return tesseraLog{slices.Concat(t.attrs, attrs)}
}

// WithGroup implements slog.Handler; klog's lines have no groups worth keeping.
func (t tesseraLog) WithGroup(string) slog.Handler { return t }
