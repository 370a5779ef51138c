package main

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// proxyCase is one of the page's proxies, with what a test puts in the place of the page's paths and
// ports.
type proxyCase struct {
	kind     string // of the block
	nth      int
	program  string
	rest     func(w *proxyWorld) string // what stands around the block, with %s for it
	text     func(all []string) string  // the page's blocks of this kind put together; the nth alone if nil
	service  string                     // more of the service's configuration
	command  func(w *proxyWorld, file string) *exec.Cmd
	passes   bool // the connections on as they are, with the PROXY protocol
	noPlain  bool
	unlogged bool // it sees no requests
}

// apacheModules are those that the page names, and what Debian's Apache has always.
var apacheModules = []string{"mpm_event", "authz_core", "ssl", "socache_shmcb", "proxy", "proxy_http", "headers", "setenvif"}

var proxyCases = map[string]proxyCase{
	"nginx": {
		kind: "nginx", program: "/usr/sbin/nginx",
		rest: func(*proxyWorld) string { return "daemon off; pid nginx.pid; events {}\nhttp {\n%s}\n" },
		command: func(w *proxyWorld, file string) *exec.Cmd {
			return exec.Command("/usr/sbin/nginx", "-p", w.folder, "-c", file, "-e", "stderr")
		},
	},
	"nginx, Forwarded": {
		kind: "nginx", program: "/usr/sbin/nginx", service: "proxy_header: forwarded\n",
		rest: func(*proxyWorld) string { return "daemon off; pid nginx.pid; events {}\nhttp {\n%s}\n" },
		text: func(all []string) string {
			lines := strings.SplitAfter(all[0], "\n")
			old := func(line string) bool { return strings.Contains(line, "X-Forwarded-") }
			at := slices.IndexFunc(lines, old)
			return all[1] + strings.Join(slices.DeleteFunc(slices.Insert(lines, at, all[2]), old), "")
		},
		command: func(w *proxyWorld, file string) *exec.Cmd {
			return exec.Command("/usr/sbin/nginx", "-p", w.folder, "-c", file, "-e", "stderr")
		},
	},
	"apache": {
		kind: "apache", program: "/usr/sbin/apache2",
		rest: func(w *proxyWorld) string {
			text := "ServerName localhost\nPidFile apache.pid\nErrorLog /dev/stderr\nUser www-data\nGroup www-data\n" +
				"Listen " + w.plain + "\nListen " + w.tls + "\nMutex file:" + w.folder + " default\n"
			for _, m := range apacheModules {
				text += "LoadModule " + m + "_module /usr/lib/apache2/modules/mod_" + m + ".so\n"
			}
			return text + "%s"
		},
		command: func(w *proxyWorld, file string) *exec.Cmd {
			return exec.Command("/usr/sbin/apache2", "-d", w.folder, "-f", file, "-D", "FOREGROUND")
		},
	},
	"haproxy": {
		kind: "haproxy", program: "/usr/sbin/haproxy",
		rest: func(*proxyWorld) string {
			return "defaults\n    timeout connect 5s\n    timeout client 30s\n    timeout server 30s\n%s"
		},
		command: func(_ *proxyWorld, file string) *exec.Cmd { return exec.Command("/usr/sbin/haproxy", "-f", file) },
	},
	"nginx, PROXY protocol": {
		kind: "nginx", nth: 3, program: "/usr/sbin/nginx", passes: true, unlogged: true,
		rest: func(*proxyWorld) string {
			return "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off; pid nginx.pid; events {}\n%s"
		},
		command: func(w *proxyWorld, file string) *exec.Cmd {
			return exec.Command("/usr/sbin/nginx", "-p", w.folder, "-c", file, "-e", "stderr")
		},
	},
	"haproxy, PROXY protocol": {
		kind: "haproxy", nth: 1, program: "/usr/sbin/haproxy", passes: true, unlogged: true,
		rest: func(*proxyWorld) string {
			return "defaults\n    timeout connect 5s\n    timeout client 30s\n    timeout server 30s\n%s"
		},
		command: func(_ *proxyWorld, file string) *exec.Cmd { return exec.Command("/usr/sbin/haproxy", "-f", file) },
	},
	"caddy": {
		kind: "caddy", program: "/usr/bin/caddy", noPlain: true,
		rest: func(w *proxyWorld) string {
			return "{\n\tadmin off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n" +
				"\thttp_port " + port(w.plain) + "\n\thttps_port " + port(w.tls) + "\n%s"
		},
		text: func(all []string) string { return strings.TrimPrefix(all[0], "{\n") }, // the page's global options go on
		command: func(w *proxyWorld, file string) *exec.Cmd {
			cmd := exec.Command("/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", file)
			cmd.Env = append(os.Environ(), "HOME="+w.folder, "XDG_CONFIG_HOME="+w.folder, "XDG_DATA_HOME="+w.folder)
			return cmd
		},
	},
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
