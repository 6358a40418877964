// Package config reads the settings of the service from its YAML file and from
// the environment. What flags add is the command's business; here a setting
// that is unknown or wrong is an error that names it.
package config

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/yamlfile"
)

// Config is bos.yaml. Each url is the prefix before the paths of the upstream.
type Config struct {
	Listen string `yaml:"listen"`
	// Socket is the path of a Unix socket where the API is served as well: its kernel
	// says who asks there (auth.peers). Empty is none.
	Socket string `yaml:"socket"`
	// Names are the host names under which clients ask this service, besides
	// its addresses, loopback and the name of the machine.
	Names []string `yaml:"names"`
	// PublicURL is the address under which people reach this service, such as
	// https://bos.example; links to its page begin with it.
	PublicURL string `yaml:"public_url"`
	// Streams is how many clients may follow live at the same time: pages, watches and
	// readers of events. One client may have half of them. 0 is 64; who finds no place
	// asks every few seconds.
	Streams int `yaml:"streams"`
	// Database is the path of the database file, or a PostgreSQL that several services
	// may share, such as postgres://bos@db1,db2/bos.
	Database string `yaml:"database"`
	// The password of that user is read whenever a connection is made. None of the
	// three leaves it to PGPASSWORD, ~/.pgpass or a client certificate.
	DatabasePasswordEnv     string   `yaml:"database_password_env"`
	DatabasePasswordFile    string   `yaml:"database_password_file"`
	DatabasePasswordCommand []string `yaml:"database_password_command"`

	MaxUnreachable time.Duration  `yaml:"max_unreachable_time"`
	MaxSetupWait   time.Duration  `yaml:"max_setup_wait_time"`
	Inventory      Inventory      `yaml:"inventory"`
	Power          Power          `yaml:"power"`
	BootParameters BootParameters `yaml:"boot_parameters"`
	Configuration  Configuration  `yaml:"configuration"`
	Artifacts      Artifacts      `yaml:"artifacts"`
	Images         Images         `yaml:"images"`
	Tenants        Tenants        `yaml:"tenants"`
	Report         Report         `yaml:"report"`
	Workload       Workload       `yaml:"workload"`
	Health         Health         `yaml:"health"`
	Auth           Auth           `yaml:"auth"`
	TLS            TLS            `yaml:"tls"`
	Metrics        Metrics        `yaml:"metrics"`
	Log            Log            `yaml:"log"`
	// CommandEnvironment names the variables of the environment that commands for
	// secrets (_command) see besides a few usual ones, such as VAULT_ADDR.
	CommandEnvironment []string `yaml:"command_environment"`
}

// Metrics says who reads what the service counts besides those whose role allows it.
type Metrics struct {
	// Loopback lets programs of this machine read them without a token. It is not for
	// machines with a proxy before the API that does not say so in a header.
	Loopback bool `yaml:"loopback"`
}

// The words of Log.Requests.
const (
	RequestsOn  = "on"
	RequestsOff = "off"
)

// Log says what is logged besides what the option logging_level lets pass.
type Log struct {
	// Requests says whether each request has a line: on, which is the default, or off.
	Requests string `yaml:"requests"`
}

func (l Log) validate() error {
	if l.Requests == "" || l.Requests == RequestsOn || l.Requests == RequestsOff {
		return nil
	}
	return fmt.Errorf("log.requests is %q; use on or off", l.Requests)
}

// Upstream is a service that is spoken to over HTTP or HTTPS.
type Upstream struct {
	URL string `yaml:"url"`
	// CAFile verifies its certificate; empty is the system's pool.
	CAFile string `yaml:"ca_file"`
	// The token is sent as bearer token, and read again when it is asked
	// for. None of the three is no token.
	TokenEnv     string   `yaml:"token_env"`
	TokenFile    string   `yaml:"token_file"`
	TokenCommand []string `yaml:"token_command"`
}

// Inventory says where the nodes are listed.
type Inventory struct {
	HSM *Upstream `yaml:"hsm"`
	// InventoryService is OpenCHAMI's inventory-service, up to the paths by which
	// it speaks like HSM, such as http://inventory-service:8080/hsm/v2.
	InventoryService *Upstream `yaml:"inventory_service"`
	// Notifications is this service as HSM reaches it, such as
	// http://bos.example:8770; HSM then tells it when nodes change their
	// state. Empty is by polling alone.
	Notifications string `yaml:"notifications"`
	// File is an inventory file, for sites without HSM.
	File string `yaml:"file"`
}

// Power says how power is controlled.
type Power struct {
	Redfish *Redfish `yaml:"redfish"`
	PCS     *PCS     `yaml:"pcs"`
	// Limits bound how many power actions start in a window.
	Limits PowerLimits `yaml:"limits"`
}

// PowerLimits bound how many power actions start in any window of time, in all
// and per cabinet. 0 is no limit; a window of 0 is 10 s.
type PowerLimits struct {
	Window         time.Duration `yaml:"window"`
	Starts         int           `yaml:"starts"`
	StartsCabinet  int           `yaml:"starts_per_cabinet"`
	Actions        int           `yaml:"actions"`
	ActionsCabinet int           `yaml:"actions_per_cabinet"`
}

// PCS is the power control service.
type PCS struct {
	Upstream `yaml:",inline"`
	// TaskDeadline is how long PCS watches a transition, and keeps its nodes
	// from others; 0 is a minute.
	TaskDeadline time.Duration `yaml:"task_deadline"`
}

// Redfish is how BMCs are reached, where the inventory file has nothing else
// for one of them.
type Redfish struct {
	CAFile      string      `yaml:"ca_file"`
	Insecure    bool        `yaml:"insecure"`
	Credentials Credentials `yaml:"credentials"`
	// Sessions logs in to each BMC once instead of sending the password with
	// every request.
	Sessions bool `yaml:"sessions"`
	// Events is this service as BMCs reach it, such as
	// https://bos.example:8770; it then subscribes to the events of all BMCs.
	// Empty is by polling alone.
	Events string `yaml:"events"`
	// IgnoreUUIDs probes nodes whose system has another UUID than the
	// inventory says, for inventories with UUIDs that somebody made up.
	IgnoreUUIDs bool `yaml:"ignore_uuids"`
	// The timeouts of a connection, of the TLS handshake on it, of a request,
	// and of one that resets a node; 0 is 5 s, 10 s, 30 s and 60 s.
	ConnectTimeout time.Duration `yaml:"connect_timeout"`
	TLSTimeout     time.Duration `yaml:"tls_timeout"`
	ReadTimeout    time.Duration `yaml:"read_timeout"`
	ResetTimeout   time.Duration `yaml:"reset_timeout"`
	// Concurrency is how many BMCs are asked at a time that have not taken long;
	// 0 is 256.
	Concurrency int `yaml:"concurrency"`
	// The next password is tried where the one of the credentials is refused, and
	// the other way round, while a site changes it.
	NextPasswordEnv     string   `yaml:"next_password_env"`
	NextPasswordFile    string   `yaml:"next_password_file"`
	NextPasswordCommand []string `yaml:"next_password_command"`
	// Networks are where BMCs may be, such as 10.1.0.0/16: credentials go nowhere
	// else, whatever the inventory says. None is anywhere.
	Networks []string `yaml:"networks"`
	// PinsFile has the only certificate that a BMC may have: on each line its
	// xname and the SHA-256 of the certificate.
	PinsFile string `yaml:"pins_file"`
	// Reserve reserves nodes and their BMCs in HSM while they are reset, so that
	// others, such as a firmware update, do not begin to work on them.
	Reserve bool `yaml:"reserve"`
	// BMCs are settings of some BMCs, such as those of one make.
	BMCs []BMCs `yaml:"bmcs"`
}

// Credentials name a user and where the password is.
type Credentials struct {
	User            string   `yaml:"user"`
	PasswordEnv     string   `yaml:"password_env"`
	PasswordFile    string   `yaml:"password_file"`
	PasswordCommand []string `yaml:"password_command"`
}

// BootParameters says where boot parameters are stored.
type BootParameters struct {
	BSS         *Upstream    `yaml:"bss"`
	BootService *BootService `yaml:"bootservice"`
	Builtin     *Builtin     `yaml:"builtin"`
}

// BootService is OpenCHAMI's boot-service, the successor of BSS.
type BootService struct {
	Upstream `yaml:",inline"`
	// ArtifactsURL is where nodes load s3:// objects from, without keys: signed
	// links do not arrive in scripts of boot-service. Empty is
	// artifacts.s3.endpoint where there are no keys.
	ArtifactsURL string `yaml:"artifacts_url"`
}

// Configuration says who configures nodes after their boot.
type Configuration struct {
	CFS *Upstream `yaml:"cfs"`
}

// Artifacts says where images are. All three may be set: the path of an image
// says which it is.
type Artifacts struct {
	S3    *S3    `yaml:"s3"`
	HTTP  *HTTP  `yaml:"http"`
	Files *Files `yaml:"files"`
}

// S3 is an object store and where its keys are.
type S3 struct {
	Endpoint      string `yaml:"endpoint"`
	AccessKeyEnv  string `yaml:"access_key_env"`
	AccessKeyFile string `yaml:"access_key_file"`
	SecretKeyEnv  string `yaml:"secret_key_env"`
	SecretKeyFile string `yaml:"secret_key_file"`
	// The session token goes with keys that are good for a while. Keys and
	// token in files are read again when they are a minute old.
	SessionTokenEnv  string `yaml:"session_token_env"`
	SessionTokenFile string `yaml:"session_token_file"`
	// CAFile verifies the endpoint's certificate; empty is the system's pool.
	CAFile string `yaml:"ca_file"`
	// Region is the buckets'; empty is us-east-1.
	Region string `yaml:"region"`
	// VirtualHosts has the bucket in the name of the host (bucket.endpoint), in
	// place of the path.
	VirtualHosts bool `yaml:"virtual_hosts"`
	// Buckets are what may be read and linked to: a bucket, or bucket/prefix. With
	// tenants they are required: who writes templates could read all that the
	// keys may.
	Buckets []string `yaml:"buckets"`
}

// HTTP lets images be read from http:// and https:// paths.
type HTTP struct {
	CAFile string `yaml:"ca_file"`
	// Prefixes are where a path may lead, such as
	// https://images.example/boot/. Templates come from clients: without a
	// prefix they could make the service read any address it can reach.
	Prefixes []string `yaml:"prefixes"`
}

// Files lets images be read from file:// paths below a folder.
type Files struct {
	Root string `yaml:"root"`
}

// Images is the registry of images.
type Images struct {
	IMS *Upstream `yaml:"ims"`
}

// Tenants says which nodes tenants have.
type Tenants struct {
	TAPMS *Upstream `yaml:"tapms"`
	File  string    `yaml:"file"`
}

const maxFile = 1 << 20

// Load reads a file and what the environment changes of it. Relative paths in
// it are taken as they are.
func Load(path string) (Config, error) {
	var c Config
	f, err := os.Open(path) //nolint:gosec // the administrator names the file
	if err != nil {
		return c, fmt.Errorf("read the configuration: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return c, fmt.Errorf("read the configuration %s: %w", path, err)
	}
	if len(body) > maxFile {
		return c, fmt.Errorf("the configuration %s is larger than %d bytes; it should be a bos.yaml", path, maxFile)
	}
	return Parse(path, string(body))
}

// Parse reads what a file of this name would hold, and what the environment
// changes of it.
func Parse(name, body string) (Config, error) {
	var c Config
	if err := yamlfile.Text(name, body).Decode(&c); err != nil {
		return c, fmt.Errorf("configuration %w", err)
	}
	file := c
	if err := c.Environment(os.LookupEnv); err != nil {
		return c, err
	}
	if err := file.SetDatabase(c.Database, EnvPrefix+"DATABASE"); err != nil {
		return c, fmt.Errorf("configuration %s: %w", name, err)
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("configuration %s: %w", name, err)
	}
	return c, nil
}

// FromEnvironment is the settings of the environment, where there is no file.
func FromEnvironment() (Config, error) {
	var c Config
	if err := c.Environment(os.LookupEnv); err != nil {
		return c, err
	}
	return c, c.Validate()
}
