package cli

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// terminal is one that a test types on, and reads what is shown.
type terminal struct {
	t           *testing.T
	master, tty *os.File
	rows        uint16
	mu          sync.Mutex
	shown       strings.Builder
	typed       int
}

func openTerminal(t *testing.T) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there are no terminals here: ", err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, master: master, tty: tty, rows: 40}
	t.Cleanup(func() { _ = errors.Join(tty.Close(), master.Close()) }) // the test is over
	term.resize()
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := master.Read(buffer)
			term.mu.Lock()
			term.shown.Write(buffer[:n])
			term.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return term
}

// resize makes the window another, and has all of it drawn anew.
func (term *terminal) resize() {
	term.rows = 81 - term.rows
	if err := unix.IoctlSetWinsize(int(term.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: term.rows, Col: 200}); err != nil {
		term.t.Fatal(err)
	}
	if err := unix.Kill(os.Getpid(), unix.SIGWINCH); err != nil {
		term.t.Fatal(err)
	}
}

func (term *terminal) press(key string) {
	term.t.Helper()
	term.typed++
	if _, err := term.master.WriteString(key); err != nil {
		term.t.Fatal(err)
	}
}

var escapes = regexp.MustCompile(`\x1b(\[[0-9;?<=>$]*[ -/]*[@-~]|\][^\a\x1b]*(\a|\x1b\\)|[@-Z\\-_])`)

// sees waits until texts are on the screen, blanks apart: they are how a terminal moves on.
func (term *terminal) sees(texts ...string) {
	term.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	without := strings.NewReplacer(" ", "", "\r", "", "\n", "")
	for {
		term.mu.Lock()
		screen := without.Replace(escapes.ReplaceAllString(term.shown.String(), ""))
		term.shown.Reset()
		term.mu.Unlock()
		all := true
		for _, text := range texts {
			all = all && strings.Contains(screen, without.Replace(text))
		}
		if all {
			return
		}
		term.resize()
		select {
		case <-term.t.Context().Done():
			term.t.Fatalf("%q are not on the screen: %s", texts, screen)
		case <-tick.C:
		}
	}
}

// TestAtNightATerminalLeadsFromABootThatIsStuckToTheNodeTheCauseAndTheCommandInFewKeys:
// the service has authentication on, and the command that is shown is the one that is run.
func TestAtNightATerminalLeadsFromABootThatIsStuckToTheNodeTheCauseAndTheCommandInFewKeys(t *testing.T) {
	room, service := site(t, 12)
	ids := nodesOf(room)
	lift := refuses(t, room, ids[4])
	planned(t, service.url, "nightly", "reboot")
	term := openTerminal(t)
	c := &cobra.Command{Use: "test", SilenceUsage: true, SilenceErrors: true}
	c.AddCommand(watchCommand())
	c.SetIn(term.tty)
	c.SetOut(term.tty)
	c.SetErr(term.tty)
	c.SetArgs([]string{"watch", "nightly", "--endpoint", service.url})
	ended := make(chan error, 1)
	go func() { ended <- c.ExecuteContext(t.Context()) }()

	const command = "terraform-provider-bos retry nightly"
	term.sees("done", "11", "failed", "1 failed: "+ids[4], "retry: "+command)
	term.press("f")
	term.sees("> " + ids[4])
	term.press("\r")
	term.sees("given up", "power_on", "type: "+command)
	term.press("q")
	var exit *Exit
	if err := <-ended; !errors.As(err, &exit) || exit.Status != statusSomeFailed {
		t.Errorf("it ended with %v", err)
	}
	if term.typed > 3 {
		t.Errorf("it took %d keys", term.typed)
	}
	lift()
	said := tool(t, service.url, strings.Fields(command)[1:]...)
	name, _, _ := strings.Cut(strings.TrimPrefix(said, "session "), ":")
	if !strings.Contains(said, ids[4]) {
		t.Fatalf("the retry says %q", said)
	}
	complete(t, service.url, name)
	var shown struct{ Status struct{ Status string } }
	call(t, http.MethodGet, service.url+"/v2/sessions/"+name, nil, &shown)
	if out := tool(t, service.url, "watch", name); !strings.Contains(out, "1 of 1 done") {
		t.Errorf("after the retry: %s", out)
	}
}
