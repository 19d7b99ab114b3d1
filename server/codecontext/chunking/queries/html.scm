(script_element
  (start_tag (attribute
    (attribute_name) @_lang
    (quoted_attribute_value (attribute_value) @script.lang)))
  (raw_text) @script
  (#eq? @_lang "lang"))
((script_element (raw_text) @script)
  (#set! script-lang javascript))
