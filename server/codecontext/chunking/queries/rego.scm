((rule (rule_head . (var) @name) (rule_body) @body) @definition.function
  (#set! clause))

(comment) @comment
