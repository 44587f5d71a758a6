from rest_framework import serializers

KNOWN_STATUSES = ("active", "terminated")


class TextField(serializers.Field):
    """A string, or null, as the database has it."""

    def to_representation(self, value):
        return value


class TimeField(serializers.Field):
    """`YYYY-MM-DD HH:MM:SS.fff` as RFC 3339."""

    def to_representation(self, value):
        return f"{value[:10]}T{value[11:]}Z"


class StatusField(serializers.Field):
    """A status that nobody knows lets nobody do anything."""

    def to_representation(self, value):
        return value if value in KNOWN_STATUSES else "suspended"


class GrantsField(serializers.Field):
    def to_representation(self, grants):
        return [{"role": role, "branchId": branch_id} for role, branch_id in grants]


class PairsField(serializers.Field):
    def to_representation(self, pairs):
        return dict(pairs)


class UserSerializer(serializers.Serializer):
    """Of a row of `User.values()` with what the other tables hold beside it."""

    userId = serializers.IntegerField(source="user_id")
    username = TextField()
    employeeNumber = TextField(source="employee_number")
    givenName = TextField(source="given_name")
    familyName = TextField(source="family_name")
    email = TextField()
    phone = TextField()
    jobTitle = TextField(source="job_title")
    status = StatusField()
    homeBranchId = TextField(source="home_branch_id")
    branches = serializers.ListField()
    roles = GrantsField()
    limits = PairsField()
    preferences = PairsField()
    createdAt = TimeField(source="created_at")
    updatedAt = TimeField(source="updated_at")
    version = serializers.IntegerField()
