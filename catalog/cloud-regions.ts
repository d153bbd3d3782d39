/**
 * Countries that public clouds' regions lie in, by ISO 3166-1 code, so that a region abroad is refused
 * by name. A region that is not here (a private cloud's, a new one) is believed.
 * Sources: the providers' lists of regions, as known in November 2026.
 */
const REGIONS: Readonly<Record<string, readonly string[]>> = {
  AE: ['me-central-1', 'uaenorth', 'uaecentral'],
  AT: ['austriaeast'],
  AU: [
    ...['ap-southeast-2', 'ap-southeast-4'],
    ...['australia-southeast1', 'australia-southeast2'],
    ...['australiaeast', 'australiasoutheast', 'australiacentral', 'australiacentral2'],
  ],
  BE: ['europe-west1', 'belgiumcentral'],
  BH: ['me-south-1'],
  BR: ['sa-east-1', 'southamerica-east1', 'brazilsouth', 'brazilsoutheast'],
  CA: [
    ...['ca-central-1', 'ca-west-1'],
    ...['northamerica-northeast1', 'northamerica-northeast2'],
    ...['canadacentral', 'canadaeast'],
  ],
  CH: ['eu-central-2', 'europe-west6', 'switzerlandnorth', 'switzerlandwest'],
  CL: ['southamerica-west1', 'chilecentral'],
  CN: ['cn-north-1', 'cn-northwest-1', 'chinanorth3', 'chinaeast2', 'chinaeast3'],
  DE: [
    ...['eu-central-1', 'eusc-de-east-1'],
    ...['europe-west3', 'europe-west10'],
    ...['germanywestcentral', 'germanynorth'],
  ],
  ES: ['eu-south-2', 'europe-southwest1', 'spaincentral'],
  FI: ['europe-north1'],
  FR: ['eu-west-3', 'europe-west9', 'francecentral', 'francesouth'],
  GB: ['eu-west-2', 'europe-west2', 'uksouth', 'ukwest'],
  HK: ['ap-east-1', 'asia-east2', 'eastasia'],
  ID: ['ap-southeast-3', 'asia-southeast2', 'indonesiacentral'],
  IE: ['eu-west-1', 'northeurope'],
  IL: ['il-central-1', 'me-west1', 'israelcentral'],
  IN: [
    ...['ap-south-1', 'ap-south-2'],
    ...['asia-south1', 'asia-south2'],
    ...['centralindia', 'southindia', 'westindia', 'jioindiawest', 'jioindiacentral'],
  ],
  IT: ['eu-south-1', 'europe-west8', 'europe-west12', 'italynorth'],
  JP: [
    ...['ap-northeast-1', 'ap-northeast-3'],
    ...['asia-northeast1', 'asia-northeast2'],
    ...['japaneast', 'japanwest'],
  ],
  KR: ['ap-northeast-2', 'asia-northeast3', 'koreacentral', 'koreasouth'],
  MX: ['mx-central-1', 'northamerica-south1', 'mexicocentral'],
  MY: ['ap-southeast-5', 'malaysiawest'],
  NL: ['europe-west4', 'westeurope'],
  NO: ['norwayeast', 'norwaywest'],
  NZ: ['ap-southeast-6', 'newzealandnorth'],
  PL: ['europe-central2', 'polandcentral'],
  QA: ['me-central1', 'qatarcentral'],
  SA: ['me-central2'],
  SE: ['eu-north-1', 'europe-north2', 'swedencentral', 'swedensouth'],
  SG: ['ap-southeast-1', 'asia-southeast1', 'southeastasia'],
  TH: ['ap-southeast-7'],
  TW: ['ap-east-2', 'asia-east1'],
  US: [
    ...['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2', 'us-gov-east-1', 'us-gov-west-1'],
    ...['us-central1', 'us-east1', 'us-east4', 'us-east5', 'us-south1'],
    ...['us-west1', 'us-west2', 'us-west3', 'us-west4'],
    ...['eastus', 'eastus2', 'centralus', 'northcentralus', 'southcentralus', 'westcentralus'],
    ...['westus', 'westus2', 'westus3', 'usgovvirginia', 'usgovarizona', 'usgovtexas'],
  ],
  ZA: ['af-south-1', 'africa-south1', 'southafricanorth', 'southafricawest'],
}

const COUNTRIES = new Map(
  Object.entries(REGIONS).flatMap(([country, regions]) =>
    regions.map((region) => [region, country] as const),
  ),
)

/** Country of a public cloud's region; undefined: none that is known. */
export const countryOf = (region: string): string | undefined => COUNTRIES.get(region)

/** Of a country, for a message that says what could be chosen. */
export const regionsOf = (country: string): readonly string[] => REGIONS[country] ?? []
