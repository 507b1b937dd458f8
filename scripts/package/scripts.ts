import type { PackageName } from "./control.js";

export type ScriptName = "postinst" | "prerm" | "postrm";

/** A removal that was given up counts, too. */
const installing = `case "$1" in configure | abort-remove) ;; *) exit 0 ;; esac`;

/** dpkg names the version of before also when the package was removed since: then its unit is to be started, as it was. */
const mark = (unit: string) => `/etc/stoker/.${unit}-was-enabled`;
const remember = (unit: string) =>
  `if systemctl is-enabled --quiet ${unit}.service && [ -d /etc/stoker ]; then touch ${mark(unit)}; fi`;
const toBeStarted = (unit: string) => `[ "$1" = configure ] && [ -z "$2" ] || [ -e ${mark(unit)} ]`;

/** dpkg's hooks, as texts for `sh`. */
export const maintainerScripts: { readonly [P in PackageName]: Partial<Record<ScriptName, string>> } = {
  stoker: {},
  "stoker-coordinator": {
    postinst: script(`
      ${installing}
      systemd-sysusers stoker.conf
      # What is in it is for root and the coordinator alone.
      install -d -m 0750 -g stoker /etc/stoker
      chgrp stoker /etc/stoker/coordinator.yaml && chmod 0640 /etc/stoker/coordinator.yaml
      running || exit 0
      systemctl daemon-reload
      if ${toBeStarted("stoker-coordinator")}; then
        rm -f ${mark("stoker-coordinator")}
        systemctl enable --quiet stoker-coordinator.service
        systemctl start stoker-coordinator.service || { journalctl -qu stoker-coordinator -n 5 -o cat >&2; exit 1; }
        # The first start's line is good for an hour; a start after a removal or with a restored folder makes none.
        line=/var/lib/stoker/administrator/join-line
        if [ -n "$(find $line -mmin -50 2>/dev/null)" ]; then
          echo "stoker-coordinator: make machines nodes: stoker node add --ssh root@HOST; or run on each that has stoker-agent, within the hour:"
          sed 's/^/  /' $line
        else
          echo "stoker-coordinator: make machines nodes: stoker node add --ssh root@HOST; or run on each that has stoker-agent the line of: stoker node token create"
        fi
      else
        # Ranks go on: agents find the new one by themselves.
        systemctl try-restart stoker-coordinator.service
      fi
    `),
    prerm: script(`
      [ "$1" = remove ] && running || exit 0
      ${remember("stoker-coordinator")}
      systemctl disable --quiet --now stoker-coordinator.service
    `),
    postrm: script(`
      running && systemctl daemon-reload
      [ "$1" = purge ] || exit 0
      rm -rf /var/lib/stoker /etc/systemd/system/stoker-coordinator.service.d ${mark("stoker-coordinator")}
      ${farewell("stoker-agent")}
      ${forgotten("stoker")}
    `),
  },
  "stoker-agent": {
    postinst: script(`
      ${installing}
      systemd-sysusers stoker-agent.conf
      # Keys and tokens come here.
      chmod 0750 /etc/stoker
      chmod 0640 /etc/stoker/agent.yaml
      running || exit 0
      systemd-tmpfiles --create stoker-agent.conf
      systemctl daemon-reload
      if ${toBeStarted("stoker-agent")}; then
        rm -f ${mark("stoker-agent")}
        systemctl enable --quiet --now stoker-agent.service
        [ -e /var/lib/stoker-agent/identity/identity.json ] || echo "stoker-agent: waits to join: run here the line that 'stoker node token create' prints on the coordinator's machine"
      else
        # Ranks go on: the new agent adopts them.
        systemctl try-restart stoker-agent.service
      fi
    `),
    prerm: script(`
      [ "$1" = remove ] && running || exit 0
      ${remember("stoker-agent")}
      group=$(systemctl show -P ControlGroup stoker-agent.service)
      systemctl disable --quiet --now stoker-agent.service
      # The unit leaves ranks and their watchdog to its successor; now there is none.
      for tree in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
        [ -n "$group" ] && [ -d "$tree$group" ] || continue
        if [ -e "$tree$group/cgroup.kill" ]; then echo 1 >"$tree$group/cgroup.kill"; fi
        find "$tree$group" -name cgroup.procs -exec cat {} + | xargs -r kill -KILL 2>/dev/null || true
      done
      # Containers are their runtime's children.
      for runtime in podman docker; do
        command -v $runtime >/dev/null || continue
        $runtime ps -aq --filter label=stoker.agent 2>/dev/null | xargs -r $runtime rm -f >/dev/null 2>&1 || true
      done
      # Deepest first; a server that hangs holds up nobody.
      awk '$2 ~ "^/var/lib/stoker-agent/" { print $2 }' /proc/mounts | sort -r | while read -r path; do
        umount "$path" 2>/dev/null || umount -l "$path" || echo "stoker-agent: $path is still mounted" >&2
      done
    `),
    postrm: script(`
      running && systemctl daemon-reload
      [ "$1" = purge ] || exit 0
      # Never into a volume of somebody's: what is still mounted there stays.
      if grep -q ' /var/lib/stoker-agent/' /proc/mounts; then
        echo "stoker-agent: there are volumes mounted below /var/lib/stoker-agent, which is kept" >&2
        exit 1
      fi
      rm -rf --one-file-system /var/lib/stoker-agent /run/stoker /etc/systemd/system/stoker-agent.service.d ${mark("stoker-agent")}
      ${farewell("stoker-coordinator")}
      ${forgotten("stoker-job")}
    `),
  },
};

/** The last of the two to go takes what both have there. */
function farewell(other: PackageName): string {
  return `[ -e /usr/lib/stoker/${other}.js ] || rm -rf /etc/stoker`;
}

/** An account of ours: it owns nothing but what was removed with it. */
function forgotten(account: string): string {
  return `if getent passwd ${account} >/dev/null; then userdel ${account}; fi; if getent group ${account} >/dev/null; then groupdel ${account}; fi`;
}

function script(body: string): string {
  const lines = body.replace(/^\n/, "").trimEnd().split("\n");
  const indent = /^ */.exec(lines[0] ?? "")?.[0].length ?? 0;
  return [
    "#!/bin/sh",
    "set -e",
    "running() { [ -d /run/systemd/system ]; }",
    ...lines.map((line) => line.slice(indent)),
    "",
  ].join("\n");
}
