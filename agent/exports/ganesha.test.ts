import { expect, test } from "vitest";
import { ganeshaConfig } from "./ganesha-config.js";
import { everyExport, refusalsIn } from "./ganesha-log.js";
import { exportsText } from "./kernel-server.js";

const served = { number: 3, id: "u-1", directory: "/srv/a b", mountPoint: "/data", clients: [] };

test("Ganesha is told what to serve to whom", () => {
  const open = ganeshaConfig([served], { recovery: "/r", port: 2049 });
  expect(open).toContain('Export_Id = 3; Path = "/srv/a b"; Pseudo = "/data";');
  expect(open).toContain("Access_Type = RW; Squash = No_Root_Squash;");
  const closed = ganeshaConfig([{ ...served, clients: ["10.0.0.0/24", "10.1.0.7"] }], { recovery: "/r", port: 2049 });
  expect(closed).toContain("Access_Type = NONE; CLIENT { Clients = 10.0.0.0/24, 10.1.0.7; Access_Type = RW;");
});

test("the kernel's server is told the same in the form of exports(5)", () => {
  const options = "rw,sync,no_root_squash,no_subtree_check,fsid=u-1";
  expect(exportsText([served, { ...served, clients: ["10.0.0.0/24", "h"] }])).toBe(
    `/srv/a\\040b *(${options})\n/srv/a\\040b 10.0.0.0/24(${options}) h(${options})\n`,
  );
});

test("what Ganesha can't export is found in its log, with the reason", () => {
  const at = "21/11/2026 14:28:29 : epoch 6b01aa8d : vm : nfs-ganesha-17866[main]";
  const log = [
    `${at} gsh_dbus_pkginit :DBUS :CRIT :dbus_bus_get failed`,
    `${at} vfs_create_export :FSAL :CRIT :resolve_posix_filesystem(/x) returned No such file or directory (2)`,
    `${at} mdcache_fsal_create_export :FSAL :MAJ :Failed to call create_export on underlying FSAL VFS`,
    `${at} fsal_cfg_commit :CONFIG :CRIT :Could not create export for (/data-3) to (/x)`,
  ];
  expect([...refusalsIn(log.join("\n"))]).toEqual([
    ["/data-3", "resolve_posix_filesystem(/x) returned No such file or directory (2)"],
  ]);
  const none = `${at} config_errs_to_log :CONFIG :CRIT :Config File (c:3): Failed to load FSAL (VFS) because: No such file`;
  expect(refusalsIn(none).get(everyExport)).toContain("nfs-ganesha-vfs");
});
