/** Mean of the Poisson distribution of which a count of 0 or less has a chance of 5 %, rounded up: the rule of three. */
const RULE_OF_THREE = 3
const CHANCE = 0.05
const STEPS = 60

/**
 * The greatest share of differing copies that the sample still allows, at 95 % confidence. With none found among n it is
 * 3 / n, the rule of three (J. A. Hanley, A. Lippman-Hand: "If nothing goes wrong, is everything all right?", JAMA 249,
 * 1983, pages 1743 to 1745); with some found, the exact upper limit of a Poisson mean (F. Garwood: "Fiducial limits for
 * the Poisson distribution", Biometrika 28, 1936, pages 437 to 442), which is never below the binomial's.
 */
export function greatestShare(differing: number, checked: number): number {
  if (checked === 0) return 1
  const mean = differing === 0 ? RULE_OF_THREE : poissonLimit(differing)
  return Math.min(1, mean / checked)
}

/** How many nines a share of copies in order has at least: 0.999 has 3. Rounded down to a tenth; never more than known. */
export function ninesOf(differingShare: number): number {
  return differingShare >= 1 ? 0 : Math.floor(-Math.log10(differingShare) * 10) / 10
}

/** The mean at which `count` or fewer have a chance of 5 %, found by halving. Errs upward. */
function poissonLimit(count: number): number {
  let low = count
  let high = count + RULE_OF_THREE + 4 * Math.sqrt(count + 1)
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (low + high) / 2
    if (chanceOfAtMost(count, middle) > CHANCE) low = middle
    else high = middle
  }
  return high
}

/** Sums in logarithms: e to the -mean is 0 for large ones. */
function chanceOfAtMost(count: number, mean: number): number {
  let logTerm = -mean
  let sum = Math.exp(logTerm)
  for (let k = 1; k <= count; k += 1) {
    logTerm += Math.log(mean / k)
    sum += Math.exp(logTerm)
  }
  return sum
}
