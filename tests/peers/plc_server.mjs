// A PLC of node-opcua: one data block, Basic256Sha256 only, a trust list of its own.
//   node plc_server.mjs <PKI folder> <certificate.pem> <key.pem> [silent]
// A silent one does not tell strangers what it offers.
// Prints its port as soon as it serves, then a line for every value that a client writes; ends with its standard input,
// where it takes orders, one a line: "drop" ends all subscriptions, "event TEXT" reports an event, "temp 1.5" sets one.
import process from "node:process";
import { createInterface } from "node:readline";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import { DataType, MessageSecurityMode, SecurityPolicy, StatusCodes, Variant } from "node-opcua-client";
import { OPCUAServer } from "node-opcua-server";

const [rootFolder, certificateFile, privateKeyFile, silent] = process.argv.slice(2);
const serverCertificateManager = new OPCUACertificateManager({
  rootFolder, automaticallyAcceptUnknownCertificate: false, disableFileWatchers: true,
});
await serverCertificateManager.initialize();
const server = new OPCUAServer({
  port: Number(process.env.PORT ?? 0),
  hostname: "127.0.0.1",
  serverInfo: { applicationUri: "urn:node-plc", productUri: "urn:node-plc" },
  buildInfo: { productName: "node PLC", manufacturerName: "node-opcua", softwareVersion: "7.1" },
  certificateFile, privateKeyFile, serverCertificateManager,
  securityPolicies: [SecurityPolicy.Basic256Sha256],
  securityModes: [MessageSecurityMode.SignAndEncrypt],
  disableDiscovery: silent !== undefined,
  allowAnonymous: false,
  userManager: { isValidUser: (name, password) => name === "biovisor" && password === "right" },
});
await server.initialize();

const space = server.engine.addressSpace;
const block = space.registerNamespace("http://www.siemens.com/simatic-s7-opcua");
const folder = block.addFolder("ObjectsFolder", { browseName: "DataBlocksGlobal" });
let beats = 0;
const shownOf = {};
const held = {
  "Temp.PV": [DataType.Float, 37.25], "Weight.PV": [DataType.Float, 1008.5], "Heater.OP": [DataType.Float, 12.5],
  "Host.Heartbeat": [DataType.Int32, 0], "Plc.Heartbeat": [DataType.Int32, 0],
  "Plc.OrderNumber": [DataType.String, "6ES7 node"], "Plc.SerialNumber": [DataType.String, "S-1"],
  "Plc.FwVersion": [DataType.String, "V9"],
};
for (const [tag, [dataType, value]] of Object.entries(held)) {
  const nodeId = `s="DB_Reactor".${tag.split(".").map((part) => `"${part}"`).join(".")}`;
  const shown = shownOf[tag] = { dataType, value };
  const writable = ["Heater.OP", "Host.Heartbeat"].includes(tag);
  block.addVariable({
    componentOf: folder, nodeId, browseName: tag, dataType: DataType[dataType], minimumSamplingInterval: 100,
    accessLevel: writable ? "CurrentRead | CurrentWrite" : "CurrentRead",
    value: {
      get: () => new Variant(tag === "Plc.Heartbeat" ? { dataType, value: ++beats } : shown),
      set: (variant) => {
        shown.value = variant.value;
        console.log(JSON.stringify({ tag, type: DataType[variant.dataType], value: variant.value }));
        return StatusCodes.Good;
      },
    },
  });
}

await server.start();
console.log(JSON.stringify({ port: server.endpoints[0].port }));
const orders = {
  drop: () => {
    for (const session of Object.values(server.engine._sessions)) {
      for (const one of [...session.publishEngine.subscriptions]) { one.terminate(); one.dispose(); }
    }
  },
  event: (text) => space.rootFolder.objects.server.raiseEvent("BaseEventType", {
    sourceName: { dataType: DataType.String, value: "Pump" }, message: { dataType: DataType.LocalizedText, value: text },
    severity: { dataType: DataType.UInt16, value: 700 },
  }),
  temp: (value) => { shownOf["Temp.PV"].value = Number(value); },
};
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => { const [what, ...rest] = line.split(" "); orders[what](rest.join(" ")); });
lines.on("close", async () => { await server.shutdown(0); process.exit(0); });
