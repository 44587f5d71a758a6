import { type OpeningHours, WEEKDAYS } from '../../domain/neighbours.ts'

/** A town with what is usual there. `#` in a postal code is any digit. */
export type Place = {
  city: string
  postalCode: string
  countryCode: string
  timeZone: string
  quarters: readonly string[]
  streets: readonly string[]
  weeks: readonly OpeningHours[][]
}

type Span = [opens: string, closes: string]
const [WORKDAYS, SATURDAY, SUNDAY] = [WEEKDAYS.slice(0, 5), WEEKDAYS.slice(5, 6), WEEKDAYS.slice(6)]

function on(days: readonly OpeningHours['day'][], ...spans: Span[]): OpeningHours[] {
  return days.flatMap((day) => spans.map(([opens, closes]) => ({ day, opens, closes })))
}

const SUNDAY_CLOSED = [
  [...on(WORKDAYS, ['08:00', '21:00']), ...on(SATURDAY, ['08:00', '20:00'])],
  on([...WORKDAYS, ...SATURDAY], ['06:00', '23:00']),
  [...on(WORKDAYS, ['07:00', '22:00']), ...on(SATURDAY, ['07:00', '21:00'])],
  [...on(WORKDAYS, ['09:00', '13:00'], ['14:00', '18:00']), ...on(SATURDAY, ['09:00', '13:00'])],
]
const SUNDAY_OPEN = [
  [...on([...WORKDAYS, ...SATURDAY], ['08:00', '21:00']), ...on(SUNDAY, ['10:00', '18:00'])],
  on(WEEKDAYS, ['07:00', '22:00']),
  [...on(WORKDAYS, ['09:00', '20:00']), ...on([...SATURDAY, ...SUNDAY], ['10:00', '16:00'])],
]
const LONG_MIDDAY = [
  on([...WORKDAYS, ...SATURDAY], ['09:30', '14:00'], ['17:00', '21:00']),
  [...on(WORKDAYS, ['10:00', '14:00'], ['16:30', '20:30']), ...on([...SATURDAY, ...SUNDAY], ['10:00', '14:30'])],
]

type Country = Pick<Place, 'countryCode' | 'timeZone' | 'weeks'> & { quarters: string; streets: string; towns: string }

/** Where shops close on Sundays by law, those here do. The first is branch B001's country. */
const COUNTRIES: Country[] = [
  {
    countryCode: 'PL',
    timeZone: 'Europe/Warsaw',
    weeks: SUNDAY_CLOSED,
    quarters: 'Centrum, Śródmieście, Stare Miasto, Dworzec, Rynek, Północ, Południe, Nowe Osiedle',
    streets:
      'ul. Długa, ul. Ogrodowa, ul. Lipowa, al. Niepodległości, ul. Kościuszki, ul. Słowackiego, pl. Wolności, ul. Mickiewicza, ul. Świętojańska, ul. Żeromskiego, al. Róż, ul. Kwiatowa',
    towns:
      'Warszawa 00-###, Kraków 30-###, Łódź 90-###, Wrocław 50-###, Poznań 60-###, Gdańsk 80-###, Szczecin 70-###, Lublin 20-###, Katowice 40-###, Białystok 15-###, Gdynia 81-###, Toruń 87-###, Rzeszów 35-###, Kielce 25-###',
  },
  {
    countryCode: 'DE',
    timeZone: 'Europe/Berlin',
    weeks: SUNDAY_CLOSED,
    quarters: 'Mitte, Altstadt, Hauptbahnhof, Nord, Süd, Am Markt',
    streets: 'Hauptstraße, Bahnhofstraße, Lindenallee, Gartenweg, Schillerstraße, Marktplatz, Große Gasse',
    towns: 'Berlin 10###, Köln 50###, München 80###, Görlitz 028##',
  },
  {
    countryCode: 'CZ',
    timeZone: 'Europe/Prague',
    weeks: SUNDAY_OPEN,
    quarters: 'Střed, Nádraží, Staré Město, Sever, Jih',
    streets: 'Nádražní, Husova, Masarykova třída, Zahradní, Lipová, Náměstí Míru, Příčná',
    towns: 'Praha 110 0#, Brno 602 0#, Ostrava 702 0#',
  },
  {
    countryCode: 'AT',
    timeZone: 'Europe/Vienna',
    weeks: SUNDAY_CLOSED,
    quarters: 'Zentrum, Westbahnhof, Altstadt, Süd',
    streets: 'Mariengasse, Ringstraße, Mühlweg, Kirchplatz, Schloßstraße',
    towns: 'Wien 10#0, Graz 80##',
  },
  {
    countryCode: 'LT',
    timeZone: 'Europe/Vilnius',
    weeks: SUNDAY_OPEN,
    quarters: 'Senamiestis, Centras, Stotis, Naujamiestis',
    streets: 'Gedimino pr., Pilies g., Vilniaus g., Žemaitės g., Ąžuolų g.',
    towns: 'Vilnius LT-01###, Kaunas LT-44###',
  },
  {
    countryCode: 'FI',
    timeZone: 'Europe/Helsinki',
    weeks: SUNDAY_OPEN,
    quarters: 'Keskusta, Asema, Kauppatori, Pohjoinen',
    streets: 'Kauppakatu, Asematie, Hämeenkatu, Mäkitie, Länsiväylä',
    towns: 'Helsinki 001##, Jyväskylä 401##',
  },
  {
    countryCode: 'PT',
    timeZone: 'Europe/Lisbon',
    weeks: SUNDAY_OPEN,
    quarters: 'Baixa, Estação, Centro, Praça',
    streets: 'Rua das Flores, Avenida da Liberdade, Rua do Comércio, Largo de São João',
    towns: 'Lisboa 1100-###, Porto 4000-###',
  },
  {
    countryCode: 'ES',
    timeZone: 'Atlantic/Canary',
    weeks: LONG_MIDDAY,
    quarters: 'Centro, Puerto, Casco Viejo, Estación',
    streets: 'Calle Mayor, Avenida de España, Plaza de la Peña, Calle Núñez',
    towns: 'Las Palmas 350##, Arrecife 355##',
  },
]

export const PLACES: readonly Place[] = COUNTRIES.flatMap(({ towns, quarters, streets, ...country }) =>
  towns.split(', ').map((town) => ({
    ...country,
    ...townOf(town),
    quarters: quarters.split(', '),
    streets: streets.split(', '),
  })),
)

/** The code begins with the first word that has a digit. */
function townOf(town: string): { city: string; postalCode: string } {
  const at = town.search(/ \S*\d/)
  return { city: town.slice(0, at), postalCode: town.slice(at + 1) }
}
