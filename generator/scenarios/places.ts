/** Where the travellers of all scenarios go. */

/** IATA codes of airports, the busiest first. */
export const AIRPORTS = "LHR JFK CDG AMS FRA IST MAD BCN LAX DXB SIN HND FCO MUC LIS CPH".split(" ");

/** Cities as URLs spell them. */
export const CITIES = "london paris rome barcelona amsterdam istanbul lisbon berlin vienna prague tokyo new-york".split(
  " ",
);
