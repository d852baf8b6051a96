/**
 * The documents of the live stream, as the server sends them. An alarm's `since` is process time, a connection's UTC.
 *
 * @typedef {{vessel: string, kind: "tag"|"sp"|"op"|"wanted"|"hours"|"total"|"left"|"factor", name: string,
 *   title?: string, unit: string, decimals: number, low: number|null, high: number|null, model?: string,
 *   inputs?: string[], calibration?: Calibration|null}} Column
 * @typedef {{name: string, id: string, date: string, expires: string}} Calibration
 * @typedef {{name: string, title: string, type: string, pv: number|null, sp: number, op: number, mode: string,
 *   modes: string[], actual: string, mode_reason: string, unasked: boolean, barred: Record<string, string>,
 *   held_by: "operator"|"recipe"|"interlock"|"dose guard"|"cascade"|"program"|"auto-tune", sp_low: number, sp_high: number,
 *   confirm_step: number|null, op_low: number, op_high: number, op_unit: string, limited: null|"high"|"low",
 *   revision: number}} Loop
 * @typedef {{name: string, title: string, tripped: boolean, text: string}} Interlock
 * @typedef {{name: string, title: string, class: string, simulated?: boolean, loops: Loop[],
 *   interlocks: Interlock[]}} Vessel
 * @typedef {{name: string, title: string, state: "done"|"active"|"pending"}} Operation
 * @typedef {{when: string, truth: "true"|"false"|"unknown", live: string, then: string, because: string}} Waiting
 * @typedef {{name: string, title: string, unit: string, low: number, high: number, default: number|null}} PromptInput
 * @typedef {{id: string, text: string, inputs: PromptInput[]}} Prompt
 * @typedef {{id: string, recipe: string, title: string, version: string, vessel: string, state: string, mode: string,
 *   operation: string, operation_title: string, operations: Operation[], elapsed_s: number,
 *   operation_elapsed_s: number, waiting_for: Waiting[], prompts: Prompt[], allowed: string[],
 *   formula: Record<string, {title: string, value: number, unit: string}>, deviations: object[],
 *   held_reason: string}} Batch
 * @typedef {{id: string, vessel: string, tag: string, title: string, priority: 1|2|3|4, state: "active"|"returned",
 *   since: number, value: number|null, unit: string, consequence: string, cause: string, action: string,
 *   respond_within: string}} Alarm
 * @typedef {{name: string, state: string, since: string|number, detail: string, verified_on: string[]|null,
 *   faults: {tag: string, point: string, detail: string}[], stranger: string}} Connection
 * @typedef {{name: string, title: string, simulated: boolean, speed: number, scan_period_s: number}} Site
 * @typedef {{vessel: string, name: string, id: string, in_force: string}} WaitingCalibration
 * @typedef {{vessels: Vessel[], batches: Batch[], alarms: Alarm[], connections: Connection[],
 *   waiting_calibrations: WaitingCalibration[]}} State
 * @typedef {{seq: number, time: string|number, process_s: number, site: Site, columns: Column[],
 *   values: (number|null)[], quality: (0|1|2)[], reason: string[], age: (number|null)[]} & State} Snapshot
 * @typedef {[number, number|null, 0|1|2, string, number|null]} Change
 * @typedef {{seq: number, time: string|number, process_s: number, v: Change[], state: Partial<State>}} Delta
 * @typedef {{seq: number, time: string|number}} Beat
 *
 * Why an output is at its value, as the API answers.
 * @typedef {{live: string, truth: "true"|"false"|"unknown", then: string}} Ending
 * @typedef {{kind: string, text: string, numbers: Record<string, number|string|null>, conditions: Ending[]}} Cause
 * @typedef {{p: number, i: number, d: number, ff: number, held_back: number, wanted: number, low: number,
 *   high: number}} Parts
 * @typedef {{gain: number, integral_time: number|null, derivative_time: number, gap: number,
 *   schedule: null|{signal: string, at: number|null, unit: string}}} Tuning
 * @typedef {{time: number, unit: string, op_unit: string, reasons: Cause[], parts: Parts|null,
 *   tuning: Tuning|null}} Why
 *
 * What one column is at this moment. A value never travels without its quality.
 * @typedef {{value: number|null, quality: 0|1|2, reason: string, age: number|null, good: number|null,
 *   goodAt: number|null}} Cell
 *
 * What the stream tells the page.
 * @typedef {{type: "snapshot", doc: Snapshot} | {type: "delta", doc: Delta} | {type: "hb", doc: Beat}
 *   | {type: "event", doc: Record<string, unknown>}} Message
 */
export {};
