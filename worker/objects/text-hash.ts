/** A hash by which texts are told apart where each would take too much memory. Pure. @module */

/**
 * Returns a hash of 53 bits (cyrb53, public domain): two of 10,000 texts have the same with a probability below 10^-8.
 */
export function hashOf(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = mix(high, low);
  low = mix(low, high);
  return (high & 0x1fffff) * 0x1_0000_0000 + (low >>> 0);
}

function mix(one: number, other: number): number {
  return Math.imul(one ^ (one >>> 16), 2_246_822_507) ^ Math.imul(other ^ (other >>> 13), 3_266_489_909);
}
