/** Shows the goods that somebody wants to buy. */
export function renderCart(goods: string[]): string {
  return goods.map((name) => `<li>${name}</li>`).join("");
}
