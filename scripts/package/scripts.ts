import type { PackageName } from "./control.js";

export type ScriptName = "postinst" | "prerm" | "postrm";

/** dpkg's hooks, as texts for `sh`. */
export const maintainerScripts: { readonly [P in PackageName]: Partial<Record<ScriptName, string>> } = {
  stoker: {},
  "stoker-coordinator": {
    postinst: script(`
      [ "$1" = configure ] || exit 0
      systemd-sysusers stoker.conf
      # The token in it is for root and the coordinator alone.
      install -d -m 0750 -g stoker /etc/stoker
      chgrp stoker /etc/stoker/coordinator.yaml && chmod 0640 /etc/stoker/coordinator.yaml
      running || exit 0
      systemctl daemon-reload
      if [ -z "$2" ]; then
        systemctl enable --quiet --now stoker-coordinator.service
        echo "stoker-coordinator: listens as /etc/stoker/coordinator.yaml says; agents and users need /var/lib/stoker/token"
      else
        # Ranks go on: agents find the new one by themselves.
        systemctl try-restart stoker-coordinator.service
      fi
    `),
    prerm: script(`
      [ "$1" = remove ] && running || exit 0
      systemctl disable --quiet --now stoker-coordinator.service
    `),
    postrm: script(`
      running && systemctl daemon-reload
      [ "$1" = purge ] || exit 0
      rm -rf /var/lib/stoker
      rm -f /etc/stoker/token
      rmdir --ignore-fail-on-non-empty /etc/stoker 2>/dev/null || true
      if getent passwd stoker >/dev/null; then userdel stoker; fi
      if getent group stoker >/dev/null; then groupdel stoker; fi
    `),
  },
  "stoker-agent": {
    postinst: script(`
      [ "$1" = configure ] || exit 0
      # The token comes here.
      chmod 0750 /etc/stoker
      chmod 0640 /etc/stoker/agent.yaml
      running || exit 0
      systemctl daemon-reload
      if [ -z "$2" ]; then
        systemctl enable --quiet stoker-agent.service
        echo "stoker-agent: put the coordinator's address into /etc/stoker/agent.yaml and its token into /etc/stoker/token,"
        echo "stoker-agent: then: systemctl start stoker-agent"
      else
        # Ranks go on: the new agent adopts them.
        systemctl try-restart stoker-agent.service
      fi
    `),
    prerm: script(`
      [ "$1" = remove ] && running || exit 0
      systemctl disable --quiet --now stoker-agent.service
      # The unit leaves ranks to its successor; now there is none.
      systemctl kill --kill-who=all --signal=KILL stoker-agent.service 2>/dev/null || true
    `),
    postrm: script(`
      running && systemctl daemon-reload
      [ "$1" = purge ] || exit 0
      # Never into a volume of somebody's: what is still mounted there stays.
      if [ -d /var/lib/stoker-agent ]; then
        awk '$2 ~ "^/var/lib/stoker-agent/" { print $2 }' /proc/mounts | sort -r | while read -r path; do
          umount -l "$path" || { echo "stoker-agent: $path is mounted; /var/lib/stoker-agent is kept" >&2; exit 1; }
        done && rm -rf --one-file-system /var/lib/stoker-agent
      fi
      rm -f /etc/stoker/token
      rmdir --ignore-fail-on-non-empty /etc/stoker 2>/dev/null || true
    `),
  },
};

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
