"""The keys of tbot's configuration that this project knows.

Only the keys that are read are kept from a document: whatever stands under the others can neither leave nor cost much.
The other names only serve to say which key is wrong, since an unknown key may be anything, a secret included.
"""

from __future__ import annotations

READ = frozenset(
    {
        "app",
        "configs",
        "database",
        "destinations",
        "join_method",
        "join_uri",
        "kubernetes_cluster",
        "onboarding",
        "oneshot",
        "outputs",
        "services",
        "ssh_host_cert",
        "type",
        "version",
    }
)

NAMEABLE = READ | {
    "auth_server",
    "ca_path",
    "ca_pins",
    "certificate_ttl",
    "cluster",
    "credential_ttl",
    "debug",
    "destination",
    "diag_addr",
    "directory",
    "fips",
    "insecure",
    "listen",
    "memory",
    "name",
    "path",
    "proxy_server",
    "renewal_interval",
    "roles",
    "storage",
    "token",
}
