/** A migration's text, put into the bundle by the build. */
declare module "*.sql" {
  const text: string;
  export default text;
}
