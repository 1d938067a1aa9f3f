# Leaves what is stored of what a search gives: without what a server works out for every answer, and without the schema that it is
# built with, which no slapadd takes. What somebody has added to that has a number before it.
/^dn:/ { schema = tolower($0) == "dn: cn=schema,cn=config" }
/^(entryDN|subschemaSubentry|hasSubordinates|numSubordinates|entryTtl|auditContext):/ { next }
schema && /^olc(AttributeTypes|ObjectClasses|ObjectIdentifier|LdapSyntaxes|DitContentRules): [^{]/ { next }
{ print }
