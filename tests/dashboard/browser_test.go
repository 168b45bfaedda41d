package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"
)

// shots says where pictures are kept.
const shots = "CAUCUS_SHOTS"

// chromium is one browser for all tests of this process.
var chromium = struct {
	sync.Once
	ctx context.Context
	end func()
}{end: func() {}}

func TestMain(m *testing.M) {
	nodetest.Main(m)
	chromium.end()
}

// browser starts Chromium when it is used first. As root it has no sandbox; nothing but our own pages is
// shown.
func browser(t *testing.T) context.Context {
	t.Helper()
	tool.Need(t, "chromium")
	chromium.Do(func() {
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"),
			chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true))
		process, stop := chromedp.NewExecAllocator(context.Background(), options...)
		quiet := chromedp.WithErrorf(func(string, ...any) {}) // what this Chromium says and chromedp does not know
		ctx, leave := chromedp.NewContext(process, quiet)
		chromium.ctx, chromium.end = ctx, func() { leave(); stop() }
		if err := chromedp.Do(ctx); err != nil {
			t.Errorf("chromium does not start: %v", err)
		}
	})
	return chromium.ctx
}

// screen is a page in a window of its own, which shares nothing with others.
type screen struct {
	t   *testing.T
	ctx context.Context

	fine  []string // parts of what the console may say
	mu    sync.Mutex
	wrong []string
}

// look opens the dashboard of a node at a route such as "#/groups", in a window of 1280 times 900. What the
// console says is a failure unless it has one of the parts that are fine.
func look(t *testing.T, addr, route string, fine ...string) *screen {
	t.Helper()
	s := &screen{t: t, fine: fine}
	ctx, leave := chromedp.NewContext(browser(t), chromedp.WithNewBrowserContext(),
		chromedp.WithListener(s.hear))
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	var end context.CancelFunc
	s.ctx, end = context.WithTimeout(ctx, 3*nodetest.Patience)
	t.Cleanup(func() {
		if t.Failed() {
			s.shot("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
		}
		end()
		leave()
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, wrong := range s.wrong {
			t.Errorf("%s: %s", t.Name(), wrong)
		}
	})
	call(s, log.Enable, cdp.Empty{})
	call(s, runtime.Enable, cdp.Empty{})
	s.size(1280, 900)
	if !strings.Contains(addr, "://") {
		addr = "http://" + addr
	}
	call(s, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
	s.do(chromedp.Navigate(addr + "/" + route))
	return s
}

// hear notes what goes wrong in the page.
func (s *screen) hear(event any) {
	said := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			said = fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		said = "an exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			said += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		for _, arg := range e.Args {
			said += fmt.Sprintf("console.%s: %s %s", e.Type, arg.Value, arg.Description)
		}
	case *page.EventJavascriptDialogOpening:
		said = "a dialog: " + e.Message
	}
	if said == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, part := range s.fine {
		if strings.Contains(said, part) {
			return
		}
	}
	s.wrong = append(s.wrong, said)
}

func (s *screen) do(actions ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	if err := chromedp.Do(s.ctx, actions...); err != nil {
		s.t.Fatal(err)
	}
}

// call carries out a command of the browser.
func call[P, R any](s *screen, command cdp.Command[P, R], params P) {
	s.t.Helper()
	if _, err := chromedp.Call(s.ctx, command, params); err != nil {
		s.t.Fatal(err)
	}
}

// size gives the window a size; a narrow one is a phone's.
func (s *screen) size(width, height int64) {
	s.t.Helper()
	options := []chromedp.EmulateViewportOption{chromedp.EmulateScale(1)}
	if width < 500 {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	s.do(chromedp.EmulateViewport(width, height, options...))
}

// theme has the system prefer light or dark.
func (s *screen) theme(scheme string) {
	s.t.Helper()
	call(s, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
}

// to opens another route, as a link does.
func (s *screen) to(route string) {
	s.t.Helper()
	s.run("location.hash = " + quoted(route))
}

// run has a script carried out.
func (s *screen) run(script string) {
	s.t.Helper()
	s.do(chromedp.Evaluate[chromedp.Void]("void (" + script + ")"))
}

// ask gives what an expression is.
func ask[T any](s *screen, expression string) T {
	s.t.Helper()
	value, err := chromedp.Run(s.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		s.t.Fatal(err)
	}
	return value
}

// until waits until an expression is true; while the page is being replaced it is not.
func (s *screen) until(expression string) {
	s.t.Helper()
	var problem error
	for end := time.Now().Add(nodetest.Patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var holds bool
		holds, problem = chromedp.Run(s.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if problem == nil && holds {
			return
		}
	}
	seen, _ := chromedp.Run(s.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	s.t.Fatalf("not within %v: %s (%v); the page shows\n%.3000s", nodetest.Patience, expression, problem, seen)
}

// shows waits until the first element of a selector has a text in it.
func (s *screen) shows(selector, text string) {
	s.t.Helper()
	s.until(fmt.Sprintf("[...document.querySelectorAll(%s)].some((e) => e.textContent.includes(%s))",
		quoted(selector), quoted(text)))
}

// click clicks the first element of a selector that has a text in it.
func (s *screen) click(selector, text string) {
	s.t.Helper()
	s.shows(selector, text)
	s.run(fmt.Sprintf("[...document.querySelectorAll(%s)].find((e) => e.textContent.includes(%s)).click()",
		quoted(selector), quoted(text)))
}

// codes are those of the keys that write nothing.
var codes = map[string]int64{"Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowUp": 38,
	"ArrowDown": 40}

// keys presses keys, one after the other: such as have a name, or write a letter.
func (s *screen) keys(keys ...string) {
	s.t.Helper()
	for _, key := range keys {
		press := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key,
			WindowsVirtualKeyCode: codes[key]}
		switch {
		case key == "Enter":
			press.Text = "\r"
		case codes[key] == 0:
			press.Text = key
		}
		call(s, input.DispatchKeyEvent, press)
		press.Type, press.Text = input.DispatchKeyEventTypeKeyUp, ""
		call(s, input.DispatchKeyEvent, press)
	}
}

// shot keeps a picture of the window, where CAUCUS_SHOTS says.
func (s *screen) shot(name string) {
	s.t.Helper()
	dir := os.Getenv(shots)
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(s.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
	}
	if err != nil {
		s.t.Logf("no picture %s: %v", name, err)
	}
}

// fits fails the test when the page is wider than its window.
func (s *screen) fits(where string) {
	s.t.Helper()
	wide := ask[[]string](s, `(() => {
		const room = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= room) return [];
		return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > room + 1)
			.slice(0, 5).map((e) => e.tagName + "." + e.getAttribute("class") + " " + e.getBoundingClientRect().right);
	})()`)
	if len(wide) > 0 {
		s.t.Errorf("%s is wider than the window: %q", where, wide)
	}
}

func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string is JSON
	}
	return string(b)
}

// pictures opens a route in both themes and on a phone, and keeps a picture of each when it is ready.
func (s *screen) pictures(name, ready string) {
	s.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		s.theme(scheme)
		s.size(1280, 900)
		s.until(ready)
		s.contrast(name + " " + scheme)
		s.shot(name + "-" + scheme)
		s.size(390, 844)
		s.until(ready)
		s.fits(name + " on a phone")
		s.shot(name + "-phone-" + scheme)
	}
	s.size(1280, 900)
}

// command has one carried out at a node, which must be.
func command(t *testing.T, addr string, words ...string) {
	t.Helper()
	if _, err := nodetest.Ask(addr, words...); err != nil {
		t.Fatal(err)
	}
}

// member joins a group under a name, for as long as the test runs.
func member(t *testing.T, addr string, words ...string) *nodetest.Line {
	t.Helper()
	line, err := nodetest.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close() })
	join := append([]string{"GROUP", "JOIN"}, words...)
	for _, cmd := range [][]string{{"SESSION", "OPEN", "TTL", "600000"}, join} {
		reply, err := line.Do(cmd...)
		if err != nil || reply.Err() != nil {
			t.Fatalf("%q: %v %v", cmd, err, reply.Err())
		}
	}
	return line
}
