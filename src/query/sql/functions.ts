/**
 * The functions that a user's query may call: those of DuckDB that compute from their arguments, and a few that give the time or a
 * random value. Everything else is refused by name: what reads files, settings or the catalogue, runs SQL from a text, waits, writes
 * a log, or comes from an extension. A test holds this list against all that the pinned DuckDB has.
 */

const scalars = `
  abs acos acosh add age aggregate ago alias any_value apply approx_count_distinct approx_quantile approx_top_k arbitrary arg_max
  arg_max_null arg_max_nulls_last arg_min arg_min_null arg_min_nulls_last argmax argmin array_agg array_aggr array_aggregate
  array_append array_apply array_cat array_concat array_contains array_cosine_distance array_cosine_similarity array_cross_product
  array_distance array_distinct array_dot_product array_extract array_filter array_grade_up array_has array_has_all array_has_any
  array_indexof array_inner_product array_intersect array_length array_negative_dot_product array_negative_inner_product
  array_pop_back array_pop_front array_position array_prepend array_push_back array_push_front array_reduce array_resize
  array_reverse array_reverse_sort array_select array_slice array_sort array_to_json array_to_string array_to_string_comma_default
  array_transform array_unique array_value array_where array_zip ascii asin asinh atan atan2 atanh avg bar base64 bin bit_and
  bit_count bit_length bit_or bit_position bit_xor bitstring bitstring_agg bool_and bool_or can_cast_implicitly cardinality
  cast_to_type cbrt ceil ceiling century char_length character_length chr combine concat concat_ws constant_or_null contains corr
  cos cosh cot count count_if count_star countif covar_pop covar_samp cume_dist current_catalog current_database current_date
  current_localtime current_localtimestamp current_role current_schema current_schemas current_user damerau_levenshtein date_add
  date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear
  days_in_month decade decode degrees dense_rank divide editdist3 element_at encode ends_with entropy enum_code enum_first enum_last
  enum_range enum_range_boundary epoch epoch_ms epoch_ns epoch_us equi_width_bins era error even exp factorial favg fdiv fill filter
  finalize first first_value flatten floor fmod format format_bytes format_pg_type format_type formatreadabledecimalsize
  formatreadablesize from_base64 from_binary from_hex from_json from_json_strict fsum gamma gcd gen_random_uuid generate_series
  generate_subscripts geomean geometric_mean get_bit get_current_time get_current_timestamp get_type grade_up greatest
  greatest_common_divisor group_concat hamming hash hex histogram histogram_exact hour icu_sort_key ilike_escape instr
  is_histogram_other_bin isfinite isinf isnan isodow isoyear jaccard jaro_similarity jaro_winkler_similarity json json_array
  json_array_length json_contains json_exists json_extract json_extract_path json_extract_path_text json_extract_string
  json_group_array json_group_object json_group_structure json_keys json_merge_patch json_object json_pretty json_quote
  json_structure json_transform json_transform_strict json_type json_valid json_value julian kahan_sum kurtosis kurtosis_pop lag
  last last_day last_value lcase lcm lead least least_common_multiple left left_grapheme len length length_grapheme levenshtein
  lgamma like_escape list list_aggr list_aggregate list_any_value list_append list_apply list_approx_count_distinct list_avg
  list_bit_and list_bit_or list_bit_xor list_bool_and list_bool_or list_cat list_concat list_contains list_cosine_distance
  list_cosine_similarity list_count list_distance list_distinct list_dot_product list_element list_entropy list_extract list_filter
  list_first list_grade_up list_has list_has_all list_has_any list_histogram list_indexof list_inner_product list_intersect
  list_kurtosis list_kurtosis_pop list_last list_mad list_max list_median list_min list_mode list_negative_dot_product
  list_negative_inner_product list_pack list_position list_prepend list_product list_reduce list_resize list_reverse
  list_reverse_sort list_select list_sem list_skewness list_slice list_sort list_stddev_pop list_stddev_samp list_string_agg
  list_sum list_transform list_unique list_value list_var_pop list_var_samp list_where list_zip listagg ln log log10 log2 lower lpad
  ltrim mad make_date make_time make_timestamp make_timestamp_ms make_timestamp_ns make_timestamptz make_type map map_concat
  map_contains map_contains_entry map_contains_value map_entries map_extract map_extract_value map_from_entries map_keys
  map_to_pg_oid map_values max max_by md5 md5_number md5_number_lower md5_number_upper mean median microsecond millennium
  millisecond min min_by minute mismatches mod mode month monthname multiply nanosecond nextafter nfc_normalize normalized_interval
  not_ilike_escape not_like_escape now nth_value ntile nullif octet_length ord parse_dirname parse_dirpath parse_filename
  parse_formatted_bytes parse_path percent_rank pg_size_pretty pg_typeof pi position pow power prefix printf product quantile
  quantile_cont quantile_disc quarter radians random range rank rank_dense reduce regexp_escape regexp_extract regexp_extract_all
  regexp_full_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regr_avgx regr_avgy regr_count
  regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy remap_struct repeat replace replace_type reservoir_quantile reverse
  right right_grapheme round round_even roundbankers row row_number row_to_json rpad rtrim second sem session_user set_bit setseed
  sha1 sha256 sign signbit sin sinh skewness split split_part sqrt st_asbinary st_astext st_aswkb st_aswkt st_crs st_geomfromwkb
  st_intersects_extent st_setcrs starts_with stddev stddev_pop stddev_samp str_split str_split_regex strftime string_agg
  string_split string_split_regex string_to_array strip_accents strlen strpos strptime struct_concat struct_contains struct_extract
  struct_extract_at struct_has struct_indexof struct_insert struct_keys struct_pack struct_position struct_update struct_values
  substr substring substring_grapheme subtract suffix sum sum_no_overflow sumkahan switch tan tanh time_bucket
  timetz_byte_comparable timezone timezone_hour timezone_minute to_base to_base64 to_binary to_centuries to_days to_decades to_hex
  to_hours to_json to_microseconds to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks
  to_years today transaction_timestamp translate trim trunc try_strptime typeof ucase unbin unhex unicode union_extract union_tag
  union_value unnest unpivot_list upper url_decode url_encode user uuid uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7
  var_pop var_samp variance variant_bytes_to_variant variant_extract variant_normalize variant_to_parquet_variant variant_typeof
  vector_type version wavg week weekday weekofyear weighted_avg xor year yearweek
`

const allowed: ReadonlySet<string> = new Set(scalars.trim().split(/\s+/))

/** Table functions that compute from their arguments. */
const tableFunctions: ReadonlySet<string> = new Set([
  'generate_series',
  'json_each',
  'json_tree',
  'range',
  'repeat',
  'repeat_row',
  'unnest',
])

/** Table functions that open the local files they name, for sessions that allow it. */
const fileFunctions: ReadonlySet<string> = new Set([
  'parquet_scan',
  'read_blob',
  'read_csv',
  'read_csv_auto',
  'read_json',
  'read_json_auto',
  'read_json_objects',
  'read_json_objects_auto',
  'read_ndjson',
  'read_ndjson_auto',
  'read_ndjson_objects',
  'read_parquet',
  'read_text',
])

/** Functions whose value differs between two evaluations of the same text, so that nothing can be concluded from one of them. */
const unsteady = `
  ago age current_date current_localtime current_localtimestamp current_timestamp error gen_random_uuid get_current_time
  get_current_timestamp localtime localtimestamp now random setseed today transaction_timestamp uuid uuidv4 uuidv7
`

/** Functions whose value depends on how many rows there are, whatever their arguments: `count(*)`, `sum(1)`. A test holds this list, too. */
const aggregates = `
  any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null arg_max_nulls_last arg_min arg_min_null
  arg_min_nulls_last argmax argmin array_agg avg bit_and bit_or bit_xor bitstring_agg bool_and bool_or corr count count_if count_star
  countif covar_pop covar_samp cume_dist dense_rank entropy favg fill first first_value fsum geomean geometric_mean group_concat
  histogram histogram_exact json_group_array json_group_object json_group_structure kahan_sum kurtosis kurtosis_pop lag last last_value
  lead list listagg mad max max_by mean median min min_by mode nth_value ntile percent_rank product quantile quantile_cont quantile_disc
  rank rank_dense regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy reservoir_quantile
  row_number sem skewness stddev stddev_pop stddev_samp string_agg sum sum_no_overflow sumkahan var_pop var_samp variance wavg
  weighted_avg
`

/** Functions that give several rows. */
const severalRows = 'generate_subscripts regexp_split_to_table unnest'

const notOfArguments: ReadonlySet<string> = new Set([unsteady, aggregates, severalRows].flatMap((names) => names.trim().split(/\s+/)))

/** Whether a query may call the scalar, aggregate or window function. Operators are functions whose name has no letter. */
export function isAllowedFunction(name: string): boolean {
  return allowed.has(name.toLowerCase()) || /^[^\p{L}\p{N}_\s]+(__postfix)?$/u.test(name)
}

/** Whether a query may call the table function. */
export function isAllowedTableFunction(name: string): boolean {
  return tableFunctions.has(name.toLowerCase())
}

/** Whether the table function opens the files that its first argument names. */
export function isFileFunction(name: string): boolean {
  return fileFunctions.has(name.toLowerCase())
}

/** Whether the function has one value that follows from its arguments alone, whenever it is called and over whichever rows. */
export function isSteadyFunction(name: string): boolean {
  return !notOfArguments.has(name.toLowerCase())
}

/** The allowed function whose name is nearest to a mistyped one, if one is near. */
export function nearestFunction(name: string): string | undefined {
  const wanted = name.toLowerCase()
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(wanted.length / 4)) + 1
  for (const candidate of allowed) {
    if (Math.abs(candidate.length - wanted.length) >= bestDistance) continue
    const distance = editDistance(wanted, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      row.push(Math.min(row[j - 1]! + 1, previous[j]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    previous = row
  }
  return previous[b.length]!
}
