import { amount, fixed } from "./format.js";

const NUMBER = /^[+-]?\d{1,9}(\.\d{1,9})?$/;

/**
 * A number that a person typed, checked before it may be sent. The decimal sign is a point in every language.
 * @param {string} text
 * @param {number|null} low
 * @param {number|null} high
 * @param {string} unit
 * @param {number} decimals
 * @returns {{value: number, error: string}}
 */
export function checkNumber(text, low, high, unit, decimals) {
  const plain = text.trim().replace("\u2212", "-");
  if (plain === "") return { value: NaN, error: "A number is needed" };
  if (plain.includes(",")) return { value: NaN, error: "Use a point as decimal sign, not a comma" };
  if (!NUMBER.test(plain)) return { value: NaN, error: "This is not a number" };
  const value = Number(plain);
  if (high !== null && value > high) return { value, error: `${amount(value, decimals, unit)} is above the limit of ${amount(high, decimals, unit)}.${slip(value, low, high, decimals)}` };
  if (low !== null && value < low) return { value, error: `${amount(value, decimals, unit)} is below the limit of ${amount(low, decimals, unit)}` };
  return { value, error: "" };
}

/**
 * The usual slip is a lost decimal point.
 * @param {number} value
 * @param {number|null} low
 * @param {number} high
 * @param {number} decimals
 */
function slip(value, low, high, decimals) {
  const meant = [value / 10, value / 100].find((v) => v <= high && v >= (low ?? v));
  return meant === undefined ? "" : ` Was ${fixed(meant, decimals)} meant?`;
}

/**
 * Steps for the buttons beside a number: about a hundredth of the range, and ten times that.
 * @param {number} low
 * @param {number} high
 * @param {number} decimals
 */
export function steps(low, high, decimals) {
  const finest = 10 ** -decimals;
  const small = Math.max(finest, 10 ** Math.floor(Math.log10((high - low) / 100)));
  return { small, large: small * 10 };
}
