# A BOS of four nodes, x3000c0s[1-4]b0n0, on which everything goes well, for
# mock_provider "bos". Without it Terraform makes up random words, which are no
# nodes, and no limits. A test changes single values with override_resource and
# override_data.

mock_resource "bos_session_template" {
  defaults = {
    id                 = "compute"
    enable_cfs         = true
    revision           = "r1:0123456789abcdef"
    valid              = true
    validation_message = ""
  }
}

mock_resource "bos_session" {
  defaults = {
    id               = "nightly"
    name             = "nightly"
    scope            = "nightly"
    include_disabled = false
    stage            = false
    effect           = "reboots 4 nodes: x3000c0s[1-4]b0n0"
    status           = "complete"
    start_time       = "2026-01-01T00:00:00"
    end_time         = "2026-01-01T00:05:00"
    record_expired   = false
    url              = "https://bos.example/ui/#/sessions/nightly"
    pin              = ""
    planned_nodes    = "x3000c0s[1-4]b0n0"
    planned_count    = 4
    planned_roles    = { Compute = "x3000c0s[1-4]b0n0" }
    planned_boot_sets = {
      compute = {
        nodes      = "x3000c0s[1-4]b0n0"
        node_count = 4
        image_path = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"
        image_etag = "0123456789abcdef0123456789abcdef"
      }
    }
    planned_batches = {}
    rollout_status = {
      phase        = "complete"
      held_by      = ""
      detail       = ""
      batch        = ""
      failed_nodes = ""
    }
    skipped          = {}
    nodes            = "x3000c0s[1-4]b0n0"
    node_count       = 4
    succeeded        = true
    error            = ""
    error_summary    = {}
    failed_nodes     = ""
    failed_count     = 0
    unfinished_nodes = ""
    retry_limit      = ""
  }
}

mock_resource "bos_staged_apply" {
  defaults = {
    id            = "0123456789abcdef"
    effect        = "applies the staged state of 4 nodes: x3000c0s[1-4]b0n0"
    status        = "complete"
    applied_at    = "2026-01-01T00:00:00"
    applied_nodes = "x3000c0s[1-4]b0n0"
    applied_count = 4
    refused_nodes = ""
    refused_count = 0
    ignored_nodes = ""
    ignored_count = 0
    sessions      = { nightly = "x3000c0s[1-4]b0n0" }
    succeeded     = true
    error_summary = {}
    failed_nodes  = ""
    failed_count  = 0
    retry_limit   = ""
  }
}

mock_resource "bos_component" {
  defaults = {
    id           = "x3000c0s1b0n0"
    enabled      = false
    retry_policy = 3
    effect       = ""
    held         = ""
    status       = "stable"
    phase        = ""
    error        = ""
    session      = "nightly"
    last_action  = "powering_on"
    event_stats  = ""
  }
}

mock_resource "bos_options" {
  defaults = {
    id                            = "options"
    bss_read_timeout              = 20
    cfs_read_timeout              = 20
    cleanup_completed_session_ttl = "7d"
    clear_stage                   = false
    component_actual_state_ttl    = "4h"
    default_retry_policy          = 3
    discovery_frequency           = 300
    hsm_read_timeout              = 20
    ims_errors_fatal              = false
    ims_images_must_exist         = false
    ims_read_timeout              = 20
    logging_level                 = "INFO"
    max_boot_wait_time            = 1200
    max_component_batch_size      = 2800
    max_power_off_wait_time       = 300
    max_power_on_wait_time        = 120
    pcs_read_timeout              = 20
    polling_frequency             = 15
    reject_nids                   = false
    session_limit_required        = false
  }
}

mock_data "bos_nodes" {
  defaults = {
    nodes      = "x3000c0s[1-4]b0n0"
    node_count = 4
    skipped    = {}
    roles      = { Compute = "x3000c0s[1-4]b0n0" }
    groups     = { blue = "x3000c0s[1-2]b0n0" }
    partitions = {}
    by_xname = {
      x3000c0s1b0n0 = { role = "Compute", sub_role = "", arch = "X86", enabled = true, locked = false, held = false, power = "on", skip_reason = "", nid = 1, macs = [] }
      x3000c0s2b0n0 = { role = "Compute", sub_role = "", arch = "X86", enabled = true, locked = false, held = false, power = "on", skip_reason = "", nid = 2, macs = [] }
      x3000c0s3b0n0 = { role = "Compute", sub_role = "", arch = "X86", enabled = true, locked = false, held = false, power = "on", skip_reason = "", nid = 3, macs = [] }
      x3000c0s4b0n0 = { role = "Compute", sub_role = "", arch = "X86", enabled = true, locked = false, held = false, power = "on", skip_reason = "", nid = 4, macs = [] }
    }
  }
}

mock_data "bos_image" {
  defaults = {
    etag       = "0123456789abcdef0123456789abcdef"
    arch       = "x86_64"
    kernel     = { path = "s3://boot-images/00000000-0000-4000-8000-000000000001/kernel", etag = "" }
    initrd     = { path = "s3://boot-images/00000000-0000-4000-8000-000000000001/initrd", etag = "" }
    rootfs     = { path = "s3://boot-images/00000000-0000-4000-8000-000000000001/rootfs", etag = "" }
    parameters = "console=ttyS0,115200"
    fault      = ""
    warnings   = []
  }
}

mock_data "bos_components" {
  defaults = {
    nodes      = "x3000c0s[1-4]b0n0"
    node_count = 4
    components = {}
  }
}

mock_data "bos_component" {
  defaults = {
    id           = "x3000c0s1b0n0"
    enabled      = false
    held         = ""
    retry_policy = 3
    status       = "stable"
    phase        = ""
    error        = ""
    session      = "nightly"
  }
}

mock_data "bos_session" {
  defaults = {
    id                 = "nightly"
    operation          = "reboot"
    template_name      = "compute"
    limit              = "all"
    stage              = false
    include_disabled   = false
    status             = "complete"
    start_time         = "2026-01-01T00:00:00"
    end_time           = "2026-01-01T00:05:00"
    duration           = "0:05:00"
    nodes              = "x3000c0s[1-4]b0n0"
    node_count         = 4
    succeeded          = true
    error              = ""
    error_summary      = {}
    failed_nodes       = ""
    failed_count       = 0
    retry_limit        = ""
    percent_complete   = 100
    percent_successful = 100
    percent_failed     = 0
    percent_staged     = 0
  }
}

mock_data "bos_session_components" {
  defaults = {
    nodes      = "x3000c0s[1-4]b0n0"
    node_count = 4
    by_status  = { stable = "x3000c0s[1-4]b0n0" }
    by_cause   = {}
    components = {}
  }
}

mock_data "bos_session_preview" {
  defaults = {
    batches    = []
    available  = true
    pin        = "0123456789abcdef0123456789abcdef"
    nodes      = "x3000c0s[1-4]b0n0"
    node_count = 4
    roles      = { Compute = "x3000c0s[1-4]b0n0" }
    boot_sets  = {}
    skipped    = {}
    effects = {
      reboots = {
        nodes      = "x3000c0s[1-4]b0n0"
        node_count = 4
        reasons    = { "it is on and a reboot is asked for" = "x3000c0s[1-4]b0n0" }
      }
    }
    in_flight = []
    warnings  = []
  }
}

mock_data "bos_session_template" {
  defaults = {
    id                 = "compute"
    description        = ""
    enable_cfs         = true
    boot_sets          = {}
    revision           = "r1:0123456789abcdef"
    valid              = true
    validation_message = ""
  }
}

mock_data "bos_session_templates" {
  defaults = {
    names     = ["compute"]
    templates = []
  }
}

mock_data "bos_sessions" {
  defaults = {
    names    = []
    sessions = []
  }
}

mock_data "bos_events" {
  defaults = {
    events   = []
    last     = 0
    complete = true
  }
}

mock_data "bos_options" {
  defaults = {
    id                            = "options"
    bss_read_timeout              = 20
    cfs_read_timeout              = 20
    cleanup_completed_session_ttl = "7d"
    clear_stage                   = false
    component_actual_state_ttl    = "4h"
    default_retry_policy          = 3
    discovery_frequency           = 300
    hsm_read_timeout              = 20
    ims_errors_fatal              = false
    ims_images_must_exist         = false
    ims_read_timeout              = 20
    logging_level                 = "INFO"
    max_boot_wait_time            = 1200
    max_component_batch_size      = 2800
    max_power_off_wait_time       = 300
    max_power_on_wait_time        = 120
    pcs_read_timeout              = 20
    polling_frequency             = 15
    reject_nids                   = false
    session_limit_required        = false
  }
}

mock_data "bos_service" {
  defaults = {
    endpoint        = "http://127.0.0.1:8770"
    api_version     = "2.50.0"
    service         = "bootorch"
    service_version = "0.0.0"
    healthy         = true
    database_status = "ok"
    api_status      = "ok"
    extensions      = ["cancel_sessions", "events", "folded_limits", "guards", "holds", "images", "nodes", "pause", "pinned_sessions", "previews", "receipts", "session_components"]
  }
}
